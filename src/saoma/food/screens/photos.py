"""The photos of dishes, as every screen shows them: kept by browsers for a year, since a name stands for a content."""

from __future__ import annotations

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.menus.photos import FORMS, photo_copy
from saoma.kit.errors import NotFound
from saoma.kit.storage import Storage


@get("/photos/{file:str}", summary="A photo of a dish")
async def show(storage: NamedDependency[Storage], file: FromPath[str]) -> Response[bytes]:
    """One copy: `<name>-<width>.webp` or `.avif`."""
    name, _, rest = file.partition("-")
    width, _, form = rest.partition(".")
    if form not in FORMS or not (width.isascii() and width.isdecimal() and len(width) < 5):
        raise NotFound("This photo is not here.")
    content = await photo_copy(storage, name, int(width), form)
    return Response(
        content, media_type=f"image/{form}", headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


router = Router("/", route_handlers=[show])
