"""Every screen has a scene: what a person can open is in the pictures of `make screens`, where a designer looks at it.

No browser here: the routes of the composition are held against the names under which the scenes take pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from litestar import Router
from litestar.routes import HTTPRoute

from saoma.app import SCREENS
from tests.journeys import scenes, scenes_food

#: What a person opens, and the picture it is in. A part of a page that is fetched alone is in its page's picture.
SHOWN: Final = {
    "/board/{store_id:str}": "board",
    "/console": "console-health",
    "/console/accounts": "console-accounts",
    "/console/accounts/new": "console-account-new",
    "/console/accounts/{account_id:str}": "console-account",
    "/console/accounts/{account_id:str}/doctor": "console-account",
    "/console/accounts/{account_id:str}/edit": "console-account-edit",
    "/console/accounts/{account_id:str}/keys": "console-account-keys",
    "/console/accounts/{account_id:str}/production": "console-account-production",
    "/console/alarms": "console-alarms",
    "/console/cases": "console-cases",
    "/console/cases/{case_id:str}": "console-case",
    "/console/notices": "console-notices",
    "/console/payments": "console-payments",
    "/console/payments/{payment_id:str}": "console-payment",
    "/console/reconciliation": "console-reconciliation",
    "/console/reconciliation/sources": "console-sources",
    "/console/reconciliation/sources/{account_id:str}": "console-source",
    "/console/reconciliation/sources/{account_id:str}/edit": "console-source-edit",
    "/console/reconciliation/{run_id:str}": "console-run",
    "/console/refunds": "console-refunds",
    "/console/shops": "console-shops",
    "/console/signature": "console-signature",
    "/console/staff": "console-staff",
    "/counter": "counter",
    "/counter/display": "counter-display",
    "/counter/orders/{order_id:str}": "counter-order",
    "/counter/orders/{order_id:str}/next": "counter-paid",
    "/counter/orders/{order_id:str}/payments/{payment_id:str}": "counter-paid",
    "/counter/today": "counter-today",
    "/counter/waiting": "counter",
    "/courier": "courier",
    "/courier/list": "courier",
    "/deliveries": "deliveries",
    "/deliveries/list": "deliveries",
    "/deliveries/{delivery_id:str}": "delivery",
    "/kiosk": "kiosk-start",
    "/kiosk/open": "kiosk-open",
    "/kiosk/orders/{order_id:str}": "kiosk-menu",
    "/kiosk/orders/{order_id:str}/at-counter": "kiosk-at-counter",
    "/kiosk/orders/{order_id:str}/basket": "kiosk-basket",
    "/kiosk/orders/{order_id:str}/dishes/{item_id:str}": "kiosk-dish",
    "/kiosk/orders/{order_id:str}/pay": "kiosk-pay",
    "/kiosk/orders/{order_id:str}/payment": "kiosk-code",
    "/kitchen": "kitchen",
    "/kitchen/board": "kitchen",
    "/kitchen/dishes": "kitchen-dishes",
    "/kitchen/pass": "kitchen-pass",
    "/kitchen/pass/tables": "kitchen-pass",
    "/kitchen/served": "kitchen-served",
    "/office/api-keys": "office-api-keys",
    "/office/codes": "office-codes",
    "/office/codes/print": "office-codes-print",
    "/office/delivery": "office-delivery",
    "/office/kitchen": "office-kitchen",
    "/office/members": "members",
    "/office/menu": "office-menu",
    "/office/menu/import": "office-import",
    "/office/menu/items/new": "office-dish-new",
    "/office/menu/items/{item_id:str}": "office-dish",
    "/office/menu/list": "office-menu",
    "/office/menu/many": "office-many",
    "/office/menu/preview": "office-preview",
    "/office/menu/times": "office-times",
    "/office/offers": "offers",
    "/office/offers/new": "offers-form",
    "/office/offers/{offer_id:str}": "offers-one",
    "/office/online": "office-online",
    "/office/online/print": "office-online-print",
    "/office/tables": "office-tables",
    "/office/tables/print": "office-tables-print",
    "/office/terminals": "office-devices",
    "/offline": "offline",
    "/online": "online",
    "/online/{order_id:str}/payments/{payment_id:str}": "online-refused",
    "/order/{code:str}": "order",
    "/order/{code:str}/bar": "order",
    "/order/{code:str}/basket": "order-basket",
    "/order/{code:str}/bring": "order-bring",
    "/order/{code:str}/dish/{item_id:str}": "order-dish",
    "/order/{code:str}/menu": "order",
    "/order/{code:str}/o/{token:str}": "order-brought",
    "/order/{code:str}/place": "order-place",
    "/order/{code:str}/when": "order-when",
    "/pair/{token:str}": "pair",
    "/pay/{payment_id:str}": "diner-pay",
    "/pay/{payment_id:str}/state": "diner-paid",
    "/practice": "practice",
    "/practice/team": "practice-team",
    "/receipt/{payment_id:str}": "diner-receipt",
    "/runner": "runner",
    "/runner/tables": "runner",
    "/sign-in": "sign-in",
    "/sign-in/link/{token:str}": "sign-in-link",
    "/staff": "staff-home",
    "/switch": "staff-switch",
    "/t/{code:str}": "diner-menu",
    "/t/{code:str}/bar": "diner-menu",
    "/t/{code:str}/basket": "diner-basket",
    "/t/{code:str}/bill": "diner-bill",
    "/t/{code:str}/dish/{item_id:str}": "diner-dish",
    "/t/{code:str}/menu": "diner-menu",
    "/t/{code:str}/offers": "diner-offers",
    "/t/{code:str}/ways": "diner-ways",
    "/tablet": "tablet",
    "/tablet/bills/{sitting_id:str}": "tablet-bill",
    "/tablet/bills/{sitting_id:str}/payments/{payment_id:str}": "tablet-refused",
    "/till": "till",
    "/till-payments/{payment_id:str}": "till-paid",
    "/till/arrivals/{payment_id:str}": "till-arrival",
    "/till/bills": "till",
    "/till/bills/{sitting_id:str}": "till-bill",
    "/till/bills/{sitting_id:str}/discount": "till-discount",
    "/till/bills/{sitting_id:str}/move": "till-move",
    "/till/bills/{sitting_id:str}/order": "till-order",
    "/till/bills/{sitting_id:str}/paper": "till-paper",
    "/till/bills/{sitting_id:str}/payments/{payment_id:str}": "till-paid",
    "/till/bills/{sitting_id:str}/void": "till-void",
    "/till/codes": "till-codes",
    "/till/codes/{table_id:str}": "till-table-code",
    "/till/knocks": "till-knocks",
    "/till/offline": "till-offline",
    "/till/printer": "printer",
    "/till/refunds": "till-refunds",
    "/till/shift": "shift-open",
    "/till/shifts": "shifts",
    "/till/shifts/{shift_id:str}": "shift-report",
    "/till/shifts/{shift_id:str}/count": "shift-count",
    "/till/takings": "till-takings",
}
#: Nobody looks at these, with what they answer instead of a page.
NO_SCREEN: Final = {
    "/alipay/authorize": "sends on to Alipay",
    "/alipay/callback": "sends on to where the guest came from",
    "/alipay/passed-on": "sends on to where the guest came from",
    "/console/reconciliation/{run_id:str}/export": "a file",
    "/counter.webmanifest": "what a device installs",
    "/office/delivery/zones.geojson": "a file",
    "/office/menu/example.csv": "a file",
    "/office/menu/export.csv": "a file",
    "/office/menu/export.json": "a file",
    "/office/offers/{offer_id:str}/coupons/{batch:str}": "a file",
    "/offline/data": "what a till keeps for the time without the server",
    "/photos/{file:str}": "a picture",
    "/receipt/{payment_id:str}/pdf": "a file",
    "/sw.js": "a script",
    "/tablet.webmanifest": "what a device installs",
    "/till.webmanifest": "what a device installs",
}


class Names:
    """Stands for the tour: writes down what would be taken. No step is played."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.house: Any = SimpleNamespace(
            folder=Path("/"),
            app_url="http://127.0.0.1:1",
            sandbox_url="http://127.0.0.1:2",
            told={"accounts": [{"id": "x"}], "staff": []},
            table=lambda merchant, number: {"url": "x", "code": "x", "store_id": "x"},
            query=lambda sql, *values: [("x",)],
        )

    def take(self, name: str, steps: Callable[..., object], *, sizes: tuple[str, ...] = ()) -> None:
        """As the tour's own."""
        self.taken.append(name)


def taken() -> list[str]:
    """The names of all scenes."""
    tour: Any = Names()
    stage = scenes.Stage(tour.house, *("x" for _ in range(6)))
    for part in (*scenes.PARTS, *scenes.LAST):
        part(stage, tour)
    shops = scenes_food.Shops(*("x" for _ in range(8)))
    for each in scenes_food.PARTS:
        each(shops, tour)
    names: list[str] = tour.taken
    return names


def pages() -> set[str]:
    """The path of every route of the product that answers to GET; programs' own interface is no screen."""
    return {
        route.path
        for route in Router("/", route_handlers=SCREENS).routes
        if isinstance(route, HTTPRoute) and "GET" in route.methods and not route.path.startswith("/api/")
    }


def test_every_screen_has_a_scene_or_a_reason_to_have_none() -> None:
    named = {*SHOWN, *NO_SCREEN}
    assert pages() - named == set(), "a new screen: add its scene in tests/journeys, and its name here"
    assert named - pages() == set(), "no such route any more"
    assert not {*SHOWN} & {*NO_SCREEN}


def test_every_scene_that_is_named_is_played_and_no_two_share_a_picture() -> None:
    names = taken()
    assert set(SHOWN.values()) - {*names} == set()
    assert len(names) == len(set(names))
