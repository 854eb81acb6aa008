"""A fragment that many screens fetch at the same moment: read, drawn and packed once for all of them.

It is drawn for nobody in particular. What belongs to one reader (a name, a token, a right) has no place in it, and who
may see it is asked of each request before it comes here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import Request, Response

from saoma.kit.together import Together
from saoma.web.page import Body, Reader, answered, house_of, language_of, reader_of, render


async def shared_fragment(
    request: Request[Any, Any, Any],
    together: Together,
    template: str,
    block: str,
    which: tuple[str, ...],
    read: Callable[[], Awaitable[Mapping[str, Any]]],
) -> Response[str]:
    """One block of a template as it is now, shared by those who ask for the same at this moment in the same language.

    `which` says of what it is drawn (a store, a station): everything that `read` depends on. `zone` in what `read`
    answers is the shop's zone."""
    lang, house = language_of(request), house_of(request)

    async def draw() -> Body:
        shown = await read()
        nobody = Reader(lang=lang, zone=shown.get("zone", house.zone), house=house)
        return Body.of(render(template, nobody, block=block, **shown))

    body = await together.ask((template, block, lang, *which), draw)
    return answered(request, reader_of(request), body)
