"""What couriers, runners, dispatchers and the office look at."""

from __future__ import annotations

from typing import Final

from litestar import Router

#: All of them. Only `saoma.app` imports screens.
routers: Final[tuple[Router, ...]] = ()
