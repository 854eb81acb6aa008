"""Photos made small and kept under the name of their content."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from saoma.food.menus.photos import keep_photo, photo_copy
from saoma.food.model import PHOTO_WIDTHS
from saoma.kit.errors import Invalid, NotFound
from saoma.kit.storage import Storage


def picture(width: int = 2000, height: int = 1000, form: str = "JPEG", orientation: int = 1) -> bytes:
    """A two-coloured picture: red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A camera"
    out = io.BytesIO()
    image.save(out, form, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("form", ["webp", "avif"])
async def test_a_photo_is_kept_in_every_width_and_form_in_the_same_shape(form: str) -> None:
    storage = Storage.at("memory:")
    photo = await keep_photo(storage, picture())
    assert (photo.width, photo.height, photo.avif) == (1280, 960, True)
    for width in PHOTO_WIDTHS:
        copy = Image.open(io.BytesIO(await photo_copy(storage, photo.name, width, form)))
        assert (copy.format, copy.size) == (form.upper(), (width, width * 3 // 4))
        assert not copy.getexif(), "where and with what it was taken is nobody's business"


async def test_a_photo_of_a_turned_camera_stands_upright() -> None:
    storage = Storage.at("memory:")
    photo = await keep_photo(storage, picture(1600, 1200, orientation=6))
    copy = Image.open(io.BytesIO(await photo_copy(storage, photo.name, 320))).convert("RGB")
    top, bottom = copy.getpixel((160, 10)), copy.getpixel((160, 230))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] > 150 and bottom[2] > 150


async def test_a_small_photo_is_not_blown_up() -> None:
    storage = Storage.at("memory:")
    photo = await keep_photo(storage, picture(400, 300, "PNG"))
    assert (photo.width, photo.height) == (400, 300)
    for width, kept in zip(PHOTO_WIDTHS, (160, 320, 400, 400), strict=True):
        copy = Image.open(io.BytesIO(await photo_copy(storage, photo.name, width, "avif")))
        assert copy.width == kept


async def test_the_same_photo_has_the_same_name_and_another_has_another() -> None:
    storage = Storage.at("memory:")
    first = await keep_photo(storage, picture())
    assert await keep_photo(storage, picture()) == first
    assert (await keep_photo(storage, picture(1999))).name != first.name


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a photo", "not a photo"),
        (picture()[:2_000], "not a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a photo"),
        (picture(100, 100), "too small"),
        (b"x" * 12_000_001, "too large"),
    ],
)
async def test_what_is_no_photo_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        await keep_photo(Storage.at("memory:"), content)


@pytest.mark.parametrize(("name", "width"), [("../../etc/passwd", 320), ("0" * 32, 321), ("0" * 32, 320), ("", 320)])
async def test_only_copies_that_exist_are_served(name: str, width: int) -> None:
    with pytest.raises(NotFound):
        await photo_copy(Storage.at("memory:"), name, width)
