"""Photos of dishes: made small, kept in object storage under the name of their content, and served for ever.

A photo's name is a hash of what it shows, so a new photo has a new address and no copy is ever out of date."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from saoma.food.model import PHOTO_WIDTHS, Photo
from saoma.kit.errors import Invalid, NotFound
from saoma.kit.storage import Storage

MOST_BYTES: Final = 12_000_000
#: What copies are written as, and how: docs/performance.md says what each weighs and takes.
FORMS: Final[Mapping[str, dict[str, Any]]] = {
    "webp": {"quality": 78, "method": 4},
    "avif": {"quality": 55, "speed": 8},
}
#: More pixels than any phone's camera takes; refused before they are unpacked.
MOST_PIXELS: Final = 80_000_000
_SMALLEST: Final = 160
_NAME: Final = re.compile(r"[0-9a-f]{32}")


async def keep_photo(storage: Storage, content: bytes) -> Photo:
    """Make the copies of a photo (JPEG, PNG, WebP, AVIF, GIF) and put them into storage; keeping it twice is harmless.

    Position data and the like are left out, and the photo is turned as the camera says. Raises `Invalid` when
    it is no photo, too large or too small, and says what to do."""
    if len(content) > MOST_BYTES:
        raise Invalid("This photo is too large. Choose one under {most} MB.", most=MOST_BYTES // 1_000_000)
    photo, copies = await asyncio.to_thread(_copies, content)
    for (width, form), copy in copies.items():
        await storage.put(_key(photo.name, width, form), copy)
    return photo


async def photo_copy(storage: Storage, name: str, width: int, form: str = "webp") -> bytes:
    """The copy of this width, as webp or avif. Raises `NotFound`."""
    if not _NAME.fullmatch(name) or width not in PHOTO_WIDTHS or form not in FORMS:
        raise NotFound("This photo is not here.")
    return await storage.get(_key(name, width, form))


def _key(name: str, width: int, form: str) -> str:
    return f"photos/{name[:2]}/{name}-{width}.{form}"


def _copies(content: bytes) -> tuple[Photo, dict[tuple[int, str], bytes]]:
    """The photo cut to 4:3 around its middle, in every width; none is made larger than the original."""
    picture = _opened(content)
    picture = _cut(ImageOps.exif_transpose(picture))
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    copies: dict[tuple[int, str], bytes] = {}
    for before, width in zip((0, *PHOTO_WIDTHS), PHOTO_WIDTHS, strict=False):
        if before >= picture.width:
            # No larger than the one before: the same copy.
            copies |= {(width, form): copies[before, form] for form in FORMS}
            continue
        size = (min(width, picture.width), min(width, picture.width) * 3 // 4)
        small = picture.resize(size, Image.Resampling.LANCZOS)
        for form, choices in FORMS.items():
            out = io.BytesIO()
            small.save(out, form.upper(), **choices)
            copies[width, form] = out.getvalue()
    name = hashlib.sha256(content).hexdigest()[:32]
    width = min(PHOTO_WIDTHS[-1], picture.width)
    return Photo(name=name, width=width, height=width * 3 // 4, avif=True), copies


def _opened(content: bytes) -> Image.Image:
    try:
        picture: Any = Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "AVIF", "GIF"))
        if picture.width * picture.height > MOST_PIXELS:
            raise Invalid("This photo has too many pixels. Choose a smaller one.")
        if min(picture.size) < _SMALLEST:
            raise Invalid("This photo is too small. It needs {least} pixels at least each way.", least=_SMALLEST)
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise Invalid("This is not a photo that can be read. Choose a JPEG, PNG, WebP or AVIF file.") from error
    return picture  # type: ignore[no-any-return]


def _cut(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    if width * 3 > height * 4:
        wanted = height * 4 // 3
        left = (width - wanted) // 2
        return picture.crop((left, 0, left + wanted, height))
    wanted = width * 3 // 4
    top = (height - wanted) // 2
    return picture.crop((0, top, width, top + wanted))
