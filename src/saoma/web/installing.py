"""What makes staff's screens an installable web app: the manifests, and the worker that stands in for a lost server.

The worker (`frontend/sw.ts`) is one built file; what it keeps is written in front of it here, so that a new build of
any of those files is a new worker, which throws the old files away."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, Router, get

from saoma.kit.i18n import texts
from saoma.web.assets import asset_url, assets, manifest
from saoma.web.page import language_of

#: An answer with this header is the page that the worker keeps; it keeps no other.
SHELL_HEADER: Final = "X-Saoma-Keep"
#: The styles and scripts of the page that works without the server.
SHELL_FILES: Final = ("saoma.css", "till.css", "offline.css", "saoma.js", "offline.js")


def worker_script(files: Sequence[str], script: bytes) -> bytes:
    """The worker with its orders: the files to keep, under a version that changes with any of them or with itself."""
    told = json.dumps(list(files))
    version = hashlib.sha256(told.encode() + script).hexdigest()[:12]
    return f'self.SAOMA={{"version":"{version}","files":{told}}};\n'.encode() + script


@functools.cache
def _worker() -> bytes:
    script = assets()[manifest()["sw.js"]].plain
    return worker_script([asset_url(name) for name in SHELL_FILES] + ["/assets/icon.svg"], script)


@get("/sw.js", include_in_schema=False, opt={"skip_session": True, "exclude_from_csrf": True}, sync_to_thread=False)
def worker() -> Response[bytes]:
    """The worker of staff's screens; browsers ask for it anew at each visit."""
    return Response(_worker(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


_APPS: Final = {"till": "Till", "counter": "Counter", "tablet": "Tablet"}


def _manifest(request: Request[Any, Any, Any], which: str) -> Response[bytes]:
    said = texts(language_of(request))
    told = {
        "id": f"/{which}",
        "name": f"Saoma · {said(_APPS[which])}",
        "short_name": said(_APPS[which]),
        "start_url": f"/{which}",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fffcf7",
        "theme_color": "#fffcf7",
        "lang": language_of(request),
        "icons": [
            {"src": "/assets/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": "/assets/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
            {"src": "/assets/icon.svg", "sizes": "any", "type": "image/svg+xml"},
        ],
    }
    body = json.dumps(told, ensure_ascii=False).encode()
    return Response(body, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"})


_OPEN: Final = {"skip_session": True, "exclude_from_csrf": True}


@get("/till.webmanifest", include_in_schema=False, opt=_OPEN, sync_to_thread=False)
def till_manifest(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The till as an app."""
    return _manifest(request, "till")


@get("/counter.webmanifest", include_in_schema=False, opt=_OPEN, sync_to_thread=False)
def counter_manifest(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The counter as an app."""
    return _manifest(request, "counter")


@get("/tablet.webmanifest", include_in_schema=False, opt=_OPEN, sync_to_thread=False)
def tablet_manifest(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The tablet as an app."""
    return _manifest(request, "tablet")


router = Router("/", route_handlers=[worker, till_manifest, counter_manifest, tablet_manifest])
