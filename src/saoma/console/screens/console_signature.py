"""The console's answer to "which key, sign type and charset made this signature?": paste a message, see what fits.

Nothing that is pasted is kept. Keys come from the accounts here, or are pasted beside the message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency

from saoma.alipay.key_texts import key_name, read_key
from saoma.alipay.puzzle import Candidate, Solution, read_puzzle, solve
from saoma.alipay.puzzle_words import ODDITIES, VERDICTS
from saoma.console.account_forms import typed
from saoma.console.scope import OPERATES, AnyRequest, shell
from saoma.identity.accounts import account_views
from saoma.identity.model import account
from saoma.kit.db import Database
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.web.page import page


async def _page(
    request: AnyRequest,
    *,
    solution: Solution | None = None,
    owners: Sequence[str] = (),
    message: str = "",
    sign: str = "",
    wrong: str = "",
) -> Response[Any]:
    return page(
        request,
        "console/console_signature.html",
        status_code=422 if wrong else 200,
        headers={"Cache-Control": "no-store"},
        **shell(request) | {"path": "/console/accounts"},
        solution=solution,
        owners=owners,
        message=message,
        sign=sign,
        wrong=wrong,
        verdicts=VERDICTS,
        oddities=ODDITIES,
    )


@get("/console/signature", guards=[OPERATES], summary="Whose signature is this")
async def show(request: AnyRequest) -> Response[Any]:
    """The form."""
    return await _page(request)


@post("/console/signature", guards=[OPERATES], summary="Find out whose signature it is")
async def find(request: AnyRequest, db: NamedDependency[Database], seal: NamedDependency[Seal]) -> Response[Any]:
    """Try every key of every account, and one that may be pasted."""
    try:
        said = typed(dict((await request.form()).items()))
    except Invalid as refusal:
        return await _page(request, wrong=refusal.msgid)
    message, sign = said["message"], said["sign"]
    if not message.strip():
        return await _page(request, wrong="Paste the message first.")
    keys = _Keys()
    keys.add("pasted", said["key"])
    async with db.reading() as rows:
        for view in await account_views(rows):
            if view.channel == "direct":
                held = await account(rows, seal, view.id)
                label = f"{view.name} ({view.partner})"
                keys.add(f"{label}, MD5", held.md5_key)
                keys.add(f"{label}, Saoma", read_key(held.private_key, "private").public_pem)
                keys.add(f"{label}, Alipay", held.alipay_public_key)
    solution = solve(read_puzzle(message, sign), keys.candidates())
    return await _page(request, solution=solution, owners=keys.owners(solution.key), message=message, sign=sign)


class _Keys:
    """Keys to try, each once; one that several accounts share, in whatever shape, bears the names of all of them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._owners: dict[str, list[str]] = {}

    def add(self, owner: str, text: str) -> None:
        """One more key and whose it is; an empty text is none."""
        if text.strip():
            same = key_name(text)
            self._texts.setdefault(same, text)
            self._owners.setdefault(same, []).append(owner)

    def candidates(self) -> list[Candidate]:
        """What to try; a candidate is named by what makes it the same key."""
        return [Candidate(same, text) for same, text in self._texts.items()]

    def owners(self, same: str) -> list[str]:
        """Everybody who has the key of a solution."""
        return self._owners.get(same, [])


router = Router(path="/", route_handlers=[show, find])
