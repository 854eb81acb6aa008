"""The built styles and scripts: found by their plain names, served from memory under hashed ones, kept for a year.

They are built by hatch_build.py and never committed; without them the start fails and says what to do."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from saoma.kit.errors import SaomaError

BUILT: Final = Path(__file__).resolve().parent / "built"
_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "wasm": "application/wasm",
    "png": "image/png",
    "woff2": "font/woff2",
}


class NotBuilt(SaomaError):
    """The styles and scripts were not built."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file with its compressed twins."""

    kind: str
    plain: bytes
    gzip: bytes
    brotli: bytes

    def best(self, accepted: str) -> tuple[bytes, str]:
        """The smallest form that a client accepts, with its encoding."""
        if self.brotli and "br" in accepted:
            return self.brotli, "br"
        if self.gzip and "gzip" in accepted:
            return self.gzip, "gzip"
        return self.plain, ""


@functools.cache
def manifest() -> dict[str, str]:
    """Plain name to hashed name. Raises `NotBuilt` when the pages' styles and scripts are missing."""
    try:
        found: dict[str, str] = json.loads((BUILT / "manifest.json").read_text())
    except FileNotFoundError:
        raise NotBuilt("The pages' styles and scripts are not built. Run `make setup`.") from None
    return found


@functools.cache
def icons() -> dict[str, str]:
    """The insides of every icon's SVG, by name."""
    manifest()
    found: dict[str, str] = json.loads((BUILT / "icons.json").read_text())
    return found


@functools.cache
def assets() -> dict[str, Asset]:
    """Every built file by its hashed name."""
    found = {
        name: Asset(_TYPES[name[-3:]], (BUILT.parent / name).read_bytes(), b"", b"")
        for name in ("icon.svg", "icon-192.png", "icon-512.png")
    }
    for name in manifest().values():
        path = BUILT / name
        gzip, brotli = (path.with_name(name + end) for end in (".gz", ".br"))
        found[name] = Asset(
            _TYPES.get(path.suffix[1:], "application/octet-stream"),
            path.read_bytes(),
            gzip.read_bytes() if gzip.exists() else b"",
            brotli.read_bytes() if brotli.exists() else b"",
        )
    return found


def asset_url(name: str) -> str:
    """Where the built file of a plain name is. Raises `NotBuilt` for a name that no build made."""
    try:
        return f"/assets/{manifest()[name]}"
    except KeyError:
        raise NotBuilt(f"No built file is called {name}; is it in frontend/, and was it built?") from None


@get(
    "/assets/{name:str}",
    include_in_schema=False,
    opt={"skip_session": True, "exclude_from_csrf": True},
    sync_to_thread=False,
)
def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One built file, kept by browsers for a year: its name changes with its content."""
    found = assets().get(name)
    if found is None:
        raise NotFoundException
    body, encoding = found.best(request.headers.get("accept-encoding", ""))
    lasting = "public, max-age=86400" if name.startswith("icon") else "public, max-age=31536000, immutable"
    headers = {"Cache-Control": lasting, "Vary": "Accept-Encoding"}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=found.kind, headers=headers)


@get(
    "/favicon.ico",
    include_in_schema=False,
    opt={"skip_session": True, "exclude_from_csrf": True},
    sync_to_thread=False,
)
def favicon() -> Response[bytes]:
    """The mark of the house, for who asks at the old place."""
    mark = assets()["icon.svg"]
    return Response(mark.plain, media_type=mark.kind, headers={"Cache-Control": "public, max-age=86400"})
