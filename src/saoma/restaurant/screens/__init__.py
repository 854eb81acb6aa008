"""What diners, waiters, cashiers and owners of a restaurant look at. Only `saoma.app` imports screens."""

from __future__ import annotations

from typing import Final

from litestar import Router

from saoma.restaurant.screens import (
    office_codes,
    office_tables,
    phone,
    phone_ahead,
    phone_basket,
    phone_bill,
    phone_door,
    phone_offers,
    tablet,
    till,
    till_arrivals,
    till_discounts,
    till_door,
    till_methods,
    till_moving,
    till_order,
    till_paying,
    till_printing,
    till_voids,
)

#: All of them.
routers: Final[tuple[Router, ...]] = (
    phone.router,
    phone_ahead.router,
    phone_basket.router,
    phone_bill.router,
    phone_door.router,
    phone_offers.router,
    till.router,
    till_door.router,
    till_paying.router,
    till_printing.router,
    till_order.router,
    till_moving.router,
    till_voids.router,
    till_discounts.router,
    till_methods.router,
    till_arrivals.router,
    tablet.router,
    office_tables.router,
    office_codes.router,
)
