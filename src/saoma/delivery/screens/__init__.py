"""What couriers, runners, dispatchers and the office look at."""

from __future__ import annotations

from typing import Final

from litestar import Router

from saoma.delivery.screens import courier, dispatch, office_delivery, runner

#: All of them. Only `saoma.app` imports screens.
routers: Final[tuple[Router, ...]] = (runner.router, courier.router, dispatch.router, office_delivery.router)
