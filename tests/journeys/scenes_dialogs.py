"""The scenes of what opens above a page of the staff's, and of pages that have nothing to show or found a fault.

A dialog that isn't there (a bill without dishes to strike) leaves a picture of the page and a line in the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.journeys.conftest import Person

if TYPE_CHECKING:
    from tests.journeys.scenes import Stage
    from tests.journeys.screens import Tour

Steps = Callable[[Person], object]

#: Name, who, where, and what is pressed one after the other.
OPENED: Final = (
    ("till-move-on", "kai", "/till/bills/{open_bill}/move", ()),
    ("till-card", "kai", "/till/bills/{open_bill}", ("[data-open=take-card]",)),
    ("till-account", "kai", "/till/bills/{open_bill}", ("[data-open=take-account]",)),
    ("till-choices", "theo", "/counter", ("[data-open^=choose-]",)),
    ("till-keep", "mei", "/till/arrivals/{arrival}", ("[data-open=keep]",)),
    ("till-give-back", "mei", "/till/arrivals/{arrival}", ("[data-open=give-back]",)),
    ("shift-pay-in", "kai", "/till/shift", ("[data-open=pay_in]",)),
    ("office-table-rename", "mei", "/office/tables", ("[data-open^=rename-]",)),
    ("office-table-renew", "mei", "/office/tables", ("[data-open^=renew-]",)),
    ("office-table-retire", "mei", "/office/tables", ("[data-open^=retire-]",)),
    ("office-code-rename", "mei", "/office/codes", ("[data-open^=rename-]",)),
    ("office-code-stop", "mei", "/office/codes", ("[data-open^=stop-]",)),
    ("office-section", "mei", "/office/menu", ("[data-open^=edit-]",)),
    ("office-section-new", "mei", "/office/menu", ("[data-open=new-section]",)),
    ("office-dish-remove", "mei", "/office/menu/items/{dish}", ("[data-open=remove]",)),
    ("office-zone", "mei", "/office/delivery", ("[data-open^=zone-]",)),
    ("offers-end", "mei", "/office/offers/{offer}", ("[data-open=end-offer]",)),
    ("courier-failed", "wei", "/courier", ("[data-open^=fail-]",)),
    ("courier-left", "wei", "/courier", ("[data-open^=left-]",)),
    ("counter-cash", "theo", "/counter/orders/{order}", ("[data-testid=cash]",)),
    ("counter-account", "theo", "/counter/orders/{order}", ("[data-testid=account]",)),
    ("counter-cancel", "theo", "/counter/orders/{order}", ("[data-testid=cancel]",)),
    ("console-silence", "operator", "/console/alarms", ("[data-open^=silence-]",)),
    # Nothing to show: what a new shop sees.
    ("deliveries-none", "rosa", "/deliveries", ()),
    ("online-none", "rosa", "/online", ()),
    ("runner-none", "rosa", "/runner", ()),
    ("till-offline-none", "mei", "/till/offline", ()),
    ("shifts-none", "mei", "/till/shifts", ()),
    ("counter-none", "mei", "/counter/today", ()),
    ("members-none", "rosa", "/office/members", ()),
    ("offers-none", "rosa", "/office/offers", ()),
    ("office-delivery-none", "rosa", "/office/delivery", ()),
    ("not-found", "mei", "/till/bills/nothing-here", ()),
)
#: Where the ids in those addresses come from.
IDS: Final = {
    "arrival": "SELECT payment_id FROM arrivals WHERE state = 'waiting' ORDER BY payment_id LIMIT 1",
    "dish": "SELECT id FROM menu_items ORDER BY id LIMIT 1",
    "offer": "SELECT id FROM offers WHERE status = 'running' ORDER BY id LIMIT 1",
    "order": "SELECT id FROM counter_orders WHERE status = 'building' AND channel = 'counter' ORDER BY id LIMIT 1",
}


def opened(stage: Stage, login: str, path: str, presses: tuple[str, ...]) -> Steps:
    """Somebody at their screen, who presses what opens something."""

    def steps(p: Person) -> None:
        from tests.journeys.scenes import signed_in

        ids = {"open_bill": stage.open_bill, "bill": stage.bill}
        for name, sql in IDS.items():
            if f"{{{name}}}" in path:
                found = p.house.query(sql)
                ids[name] = str(found[0][0]) if found else "none"
        signed_in(login, path.format(**ids))(p)
        for press in presses:
            p.page.locator(press).locator("visible=true").first.click()
        p.page.wait_for_timeout(250)

    return steps


def dialogs(stage: Stage, tour: Tour) -> None:
    """All of them, and the faults of a file and of a sign-in."""
    for name, login, path, presses in OPENED:
        tour.take(name, opened(stage, login, path, presses))

    def wrong_password(p: Person) -> None:
        p.page.goto(f"{p.house.app_url}/sign-in")
        p.page.locator("input[name=login]").fill("kai")
        p.page.locator("input[name=password]").fill("not the password")
        p.page.locator("input[name=password]").press("Enter")
        p.page.wait_for_load_state("load")

    def wrong_file(p: Person) -> None:
        p.sign_in("mei", "/office/menu/import")
        lines = (
            "section,code,name,name_zh,price\nNoodles,a,Beef noodles,牛肉面,nine\n,b,Tea,茶,2.00\nDrinks,c,,水,1.00,9\n"
        )
        p.page.locator("input[type=file]").set_input_files(
            {"name": "menu.csv", "mimeType": "text/csv", "buffer": lines.encode()}
        )
        p.page.locator("main form button[type=submit]").first.click()
        p.page.wait_for_load_state("load")

    def keys(p: Person) -> None:
        p.sign_in("kai", "/till")
        p.page.set_viewport_size({"width": 1440, "height": 900})
        p.page.locator("[data-open=keys]").click()

    tour.take("sign-in-wrong", wrong_password)
    tour.take("office-import-faults", wrong_file)
    tour.take("till-keys", keys, sizes=("desk",))
