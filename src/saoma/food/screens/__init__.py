"""What cooks and owners look at: the kitchen's board, the office's menu; and the photos every screen shows."""

from __future__ import annotations

from typing import Final

from litestar import Router

from saoma.food.screens import (
    kitchen,
    kitchen_pass,
    office_dish,
    office_import,
    office_kitchen,
    office_many,
    office_menu,
    office_times,
    offline,
    photos,
)
from saoma.web import installing

#: All of them. Only `saoma.app` imports screens.
routers: Final[tuple[Router, ...]] = (
    photos.router,
    kitchen.router,
    kitchen_pass.router,
    office_kitchen.router,
    office_menu.router,
    office_dish.router,
    office_import.router,
    office_times.router,
    office_many.router,
    offline.router,
    installing.router,
)
