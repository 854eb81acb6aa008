"""The scenes of counters, kiosks, kitchens, tablets, orders ahead, deliveries and offers.

`prepare` plays once what they show, at the burrito bar and with orders ahead at the noodle house; a demo that was
prepared before is left as it is. A kiosk's scenes begin an order each, since a paid one can't be shown again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.journeys import scenes_guests
from tests.journeys.conftest import House, Person
from tests.journeys.test_counter import holds_to_scanner, order_at, payment_code
from tests.journeys.test_delivery import cooks, orders_home, shop_of
from tests.journeys.test_methods import scan_in_wallet
from tests.journeys.test_ordering_ahead import address, chooses
from tests.journeys.test_tablet import seat

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.screens import Tour

PHONES = ("small", "phone")
Steps = Callable[[Person], object]


#: What somebody paid at the shop's own code, that no bill has taken yet.
ARRIVED: Final = "SELECT payment_id FROM arrivals WHERE state = 'waiting' ORDER BY payment_id"


@dataclass(frozen=True)
class Shops:
    """What the scenes of this file are about."""

    bill: str
    table: str
    brought: str
    delivery: str
    shift: str
    open_shift: str
    offer: str
    arrival: str


def origin(p: Person) -> str:
    """Where the person's screens are."""
    return "/".join(p.page.url.split("/", 3)[:3])


def _at_the_counter(house: House, staff: Person, wallet: Person) -> None:
    """Three orders of a counter: one is made, one called, one waits for its money; and a shift that was closed."""
    for _ in range(2):
        order_at(staff)
        holds_to_scanner(staff, payment_code(wallet, "chen"))
        staff.page.locator("#payment-panel[data-shows=paid]").wait_for()
    staff.page.goto(f"{origin(staff)}/counter")
    staff.page.locator("[data-testid=making] button").first.click()
    order_at(staff, (2, 3))
    seat(staff, 4)
    staff.page.goto(f"{origin(staff)}/till/shift")
    staff.page.locator("[name=count_2000]").fill("5")
    staff.page.get_by_test_id("open").click()
    staff.page.get_by_test_id("count").click()
    staff.page.locator("[name=count_2000]").fill("5")
    staff.page.get_by_test_id("close").click()
    staff.page.wait_for_url(re.compile(r"/till/shifts/sft_\w+$"))


def _opens_a_shift(staff: Person) -> None:
    staff.sign_in("kai", "/till/shift")
    staff.page.locator("[name=count_2000]").fill("5")
    staff.page.get_by_test_id("open").click()
    staff.page.get_by_test_id("pay-out").click()
    staff.page.locator("#pay_out-amount").fill("20")
    staff.page.locator("#pay_out-reason").fill("vegetables 蔬菜")
    staff.page.get_by_test_id("pay_out-now").click()
    staff.page.get_by_test_id("move").wait_for()


def _asks_at_the_table(house: House, owner: Person, guest: Person) -> None:
    """The burrito bar asks for the code of the meal; somebody with a printed code asks to order."""
    owner.sign_in("rosa", "/office/tables")
    form = owner.page.get_by_test_id("rules")
    form.locator("input[value=code]").check()
    form.locator("button[type=submit]").click()
    guest.scan("amy", house.table("Burrito Bar", 8)["url"])
    guest.shop.get_by_test_id("dish").first.wait_for()
    guest.shop.locator("[data-testid=dish] button.plus:not([disabled])").last.click()
    guest.page.wait_for_timeout(600)
    guest.shop.get_by_test_id("bar").get_by_role("link").last.click()
    guest.shop.get_by_test_id("send").or_(guest.shop.get_by_test_id("knock")).first.click()
    guest.page.wait_for_timeout(600)


def _deliveries(house: House, browser: Browser) -> None:
    """Two orders to an address: one is on its way, one waits for a courier; one to be picked up and paid there."""
    amy, kai, lin, wei, ben = (
        Person(browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US"), house) for _ in range(5)
    )
    for first in (True, False):
        where = orders_home(amy, house)
        number = house.query(
            "SELECT label FROM tabs t JOIN online_orders o ON o.tab_id = t.id WHERE token = %s", where.rsplit("/", 1)[1]
        )[0][0]
        cooks(kai, lin, number.split()[0])
        if first:
            wei.sign_in("wei", "/courier")
            wei.page.get_by_test_id("take-next").click()
            wei.page.get_by_test_id("picked-up").first.click()
            wei.page.get_by_test_id("near").first.wait_for()
    ben.page.goto(address(house, "Harbour Road"))
    chooses(ben.page, mode="pick_up", slot=None, name="Ben 小本")
    ben.page.get_by_test_id("pay-later").click()
    ben.page.get_by_test_id("order-state").wait_for()
    for one in (amy, kai, lin, wei, ben):
        one.context.close()


def _money_arrives(owner: Person, guest: Person) -> None:
    """Somebody types an amount at the shop's own code that is no bill's."""
    owner.sign_in("mei", "/office/codes")
    owner.page.locator("[data-testid=add-code] [name=label]").fill("By the door 门口")
    owner.page.locator("[data-testid=add-code] button[type=submit]").click()
    printed = owner.page.get_by_test_id("code").filter(has_text="By the door").first
    scan_in_wallet(guest, "amy", printed.get_attribute("data-address") or "")
    guest.page.wait_for_url(re.compile("/wallet/shop/"))
    guest.page.wait_for_load_state("load")
    guest.page.locator("input[name=amount]").fill("1.23")
    guest.page.locator("form[data-shop] button[type=submit]").click()
    guest.page.locator("[data-do=pin]").click()
    for digit in "123456":
        guest.page.get_by_role("dialog").locator(f"[data-key='{digit}']:visible").click()
    owner.page.goto(f"{origin(owner)}/till")
    owner.page.get_by_test_id("arrival").first.wait_for()


def prepare(browser: Browser, house: House) -> Shops:
    """Play what these scenes need, unless it was played before."""
    people = [
        Person(browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US"), house) for _ in range(4)
    ]
    staff, wallet, owner, kai = people
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        (
            "SELECT 1 FROM deliveries",
            lambda: _deliveries(house, browser),
        ),
        ("SELECT 1 FROM shifts WHERE closed_at IS NOT NULL", lambda: _at_the_counter(house, staff, wallet)),
        ("SELECT 1 FROM shifts WHERE closed_at IS NULL", lambda: _opens_a_shift(kai)),
        (
            "SELECT 1 FROM guests WHERE knocked_at IS NOT NULL",
            lambda: _asks_at_the_table(house, owner, wallet),
        ),
        (ARRIVED, lambda: _money_arrives(owner, wallet)),
    )
    for played, play_it in steps:
        if not house.query(played + " LIMIT 1"):
            play_it()
    for one in people:
        one.context.close()

    def id_of(sql: str) -> str:
        found = house.query(sql)
        return str(found[0][0]) if found else "none"

    return Shops(
        bill=id_of(
            "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id JOIN tabs b ON b.id = s.tab_id"
            f" WHERE t.code = '{house.table('Burrito Bar', 4)['code']}' AND s.closed_at IS NULL"
        ),
        table=id_of(f"SELECT id FROM dining_tables WHERE code = '{house.table('Burrito Bar', 4)['code']}'"),
        brought=id_of(
            "SELECT token FROM online_orders WHERE mode = 'bring' AND status <> 'choosing' ORDER BY opened_at"
        ),
        delivery=id_of("SELECT id FROM deliveries ORDER BY id"),
        shift=id_of("SELECT id FROM shifts WHERE closed_at IS NOT NULL"),
        open_shift=id_of("SELECT id FROM shifts WHERE closed_at IS NULL"),
        offer=id_of("SELECT id FROM offers WHERE needs_coupon ORDER BY id"),
        arrival=id_of(ARRIVED),
    )


def at_screen(login: str, path: str) -> Steps:
    """Somebody of the staff at their screen."""
    return lambda p: p.sign_in(login, path)


def counters(shops: Shops, tour: Tour) -> None:
    """The counter, what hangs above it, and the till's other panes."""
    store = tour.house.table("Burrito Bar", 0)["store_id"]

    def ordering(p: Person) -> None:
        order_at(p, (0, 1, 2))

    def scanned(ending: str) -> Steps:
        def steps(p: Person) -> None:
            ordering(p)
            code = p.house.control("buyers/chen/payment-code", {})["code"]
            holds_to_scanner(p, code[:-2] + ending if ending != "00" else code)
            p.page.locator("#payment-panel").wait_for()
            p.page.wait_for_timeout(500)

        return steps

    def with_choices(p: Person) -> None:
        p.sign_in("theo", "/counter")
        p.page.locator("[data-open^=choose-]").first.click()

    def one_of_today(p: Person) -> None:
        p.sign_in("theo", "/counter/today")
        p.page.get_by_test_id("sold").first.click()
        p.page.wait_for_load_state("load")

    tour.take("counter", at_screen("theo", "/counter"))
    tour.take("counter-order", ordering)
    tour.take("counter-choices", with_choices)
    tour.take("counter-refused", scanned("93"))
    tour.take("counter-paid", scanned("00"))
    tour.take("counter-today", at_screen("theo", "/counter/today"))
    tour.take("counter-sold", one_of_today)
    tour.take("counter-display", at_screen("theo", "/counter/display"))
    tour.take("board", lambda p: p.page.goto(f"{p.house.app_url}/board/{store}"))
    tour.take("printer", at_screen("mei", "/till/printer"))
    tour.take("shift-open", at_screen("theo", "/till/shift"))
    tour.take("shift", at_screen("kai", "/till/shift"))
    tour.take("shift-count", at_screen("kai", f"/till/shifts/{shops.open_shift}/count"))
    tour.take("shift-report", at_screen("rosa", f"/till/shifts/{shops.shift}"))
    tour.take("shifts", at_screen("rosa", "/till/shifts"))
    for what in ("discount", "void", "move"):
        tour.take(f"till-{what}", at_screen("rosa", f"/till/bills/{shops.bill}/{what}"))
    tour.take("till-knocks", at_screen("theo", "/till"))
    tour.take("till-pad", at_screen("sam", f"/till/bills/{shops.bill}/order"))
    tour.take("till-codes", at_screen("rosa", "/till/codes"))
    tour.take("till-table-code", at_screen("rosa", f"/till/codes/{shops.table}"))
    tour.take("till-arrival", at_screen("mei", f"/till/arrivals/{shops.arrival}"))
    tour.take("till-offline", at_screen("rosa", "/till/offline"))
    tour.take("offline", at_screen("theo", "/offline"))


def kiosks(shops: Shops, tour: Tour) -> None:
    """Each picture's order begins at the start, as each customer's does."""

    def begun(p: Person, *presses: str) -> None:
        lang = "zh" if p.page.evaluate("navigator.language").startswith("zh") else "en"
        p.sign_in("theo", "/kiosk/open")
        p.page.get_by_test_id("open-kiosk").click()
        p.page.get_by_test_id(f"language-{lang}").click()
        for press in presses:
            p.page.get_by_test_id(press).click()

    def dish(p: Person) -> None:
        begun(p, "to-go")
        p.page.get_by_test_id("section").last.click()
        p.page.locator("a.kiosk-dish").first.click()
        p.page.get_by_test_id("add").wait_for()

    def basket(p: Person) -> None:
        dish(p)
        for group in p.page.locator("fieldset.options").all():
            group.locator("input:not([disabled])").first.check()
        p.page.get_by_test_id("add").click()
        p.page.get_by_test_id("see-order").click()
        p.page.get_by_test_id("pay").wait_for()

    def paying(*presses: str) -> Steps:
        def steps(p: Person) -> None:
            basket(p)
            p.page.get_by_test_id("pay").click()
            for press in presses:
                p.page.get_by_test_id(press).click()
            p.page.wait_for_timeout(500)

        return steps

    def paid(p: Person) -> None:
        paying()(p)
        code = p.house.control("buyers/chen/payment-code", {})["code"]
        p.page.get_by_test_id("kiosk-pay").wait_for()
        holds_to_scanner(p, code)
        p.page.get_by_test_id("receipt-code").wait_for()

    def menu(p: Person) -> None:
        begun(p, "eat-here")
        p.page.get_by_test_id("section").first.wait_for()

    tour.take("kiosk-open", at_screen("theo", "/kiosk/open"))
    tour.take("kiosk-start", begun)
    tour.take("kiosk-menu", menu)
    tour.take("kiosk-dish", dish)
    tour.take("kiosk-basket", basket)
    tour.take("kiosk-pay", paying())
    tour.take("kiosk-code", paying("by-code"))
    tour.take("kiosk-at-counter", paying("at-counter"))
    tour.take("kiosk-paid", paid)


def tables(shops: Shops, tour: Tour) -> None:
    """More of the phone at a table, and the tablet beside it."""
    asking = tour.house.table("Burrito Bar", 8)["url"]
    shared = tour.house.table("Noodle House", 4)["url"]

    def bill(p: Person, *presses: str) -> None:
        p.scan("ben", shared)
        p.shop.get_by_test_id("bar").get_by_role("link").first.click()
        p.shop.get_by_test_id("bill-sheet").wait_for()
        letting_go = p.shop.get_by_test_id("open-share").locator("form button")
        if letting_go.count():
            letting_go.first.click()
            letting_go.first.wait_for(state="detached")
        for press in presses:
            p.shop.get_by_test_id(press).click()
        p.page.wait_for_timeout(600)

    def evenly(p: Person) -> None:
        bill(p, "ways")
        p.shop.get_by_test_id("ways-sheet").wait_for()
        with contextlib.suppress(Exception):
            p.shop.get_by_test_id("tip-10").click(timeout=2000)
        p.page.wait_for_timeout(600)

    def at_the_door(p: Person) -> None:
        p.scan("amy", asking)
        p.shop.get_by_test_id("bar").get_by_role("link").last.click()
        p.shop.get_by_test_id("door").wait_for()

    tour.take("diner-ways", evenly, sizes=PHONES)
    tour.take("diner-offers", lambda p: bill(p, "offers"), sizes=PHONES)
    tour.take("diner-door", at_the_door, sizes=PHONES)
    tour.take("tablet", at_screen("theo", "/tablet"))
    tour.take("tablet-bill", at_screen("theo", f"/tablet/bills/{shops.bill}"))
    tour.take("tablet-even", at_screen("theo", f"/tablet/bills/{shops.bill}?how=even"))
    tour.take("tablet-tip", at_screen("theo", f"/tablet/bills/{shops.bill}?how=whole"))
    tour.take("tablet-pay", at_screen("theo", f"/tablet/bills/{shops.bill}?how=whole&tip=0"))

    def refused(p: Person) -> None:
        p.sign_in("theo", f"/tablet/bills/{shops.bill}?how=whole")
        p.page.get_by_test_id("tip-0").click()
        p.page.get_by_test_id("charge").wait_for()
        code = p.house.control("buyers/chen/payment-code", {})["code"]
        holds_to_scanner(p, code[:-2] + "93")
        p.page.locator("#payment-panel").wait_for()

    tour.take("tablet-refused", refused)


def ahead(shops: Shops, tour: Tour) -> None:
    """Ordering ahead and bringing, from the customer's phone to the office."""
    where = shop_of(tour.house)

    def chosen(p: Person, *presses: str) -> None:
        p.page.goto(where)
        p.page.locator("#order button.plus[name=item]").first.wait_for()
        for dish in (0, 1, 2):
            p.page.locator("#order button.plus[name=item]").nth(dish).click()
            p.page.wait_for_timeout(400)
        for press in presses:
            p.page.get_by_test_id(press).click()
        p.page.wait_for_timeout(500)

    def brings(p: Person) -> None:
        chosen(p, "when")
        p.page.locator("label.way").filter(has=p.page.locator("input[value=bring]")).click()
        p.page.get_by_test_id("take-when").click()
        p.page.get_by_test_id("open-basket").click()
        p.page.get_by_test_id("go-on").click()
        p.page.get_by_test_id("keep-address").wait_for()

    def opened(p: Person) -> None:
        p.page.goto(where)
        p.page.get_by_test_id("dish").first.get_by_role("link").first.click()
        p.page.wait_for_timeout(600)

    def not_taken(p: Person) -> None:
        p.sign_in("kai", "/online")
        p.page.get_by_test_id("take").first.locator("summary").click()
        code = p.house.control("buyers/chen/payment-code", {})["code"]
        field = p.page.locator("[name=payment_code]:visible").first
        field.fill(code[:-2] + "93")
        field.press("Enter")
        p.page.locator("#payment-panel").wait_for()

    tour.take("order", lambda p: p.page.goto(where))
    tour.take("order-dish", opened)
    tour.take("order-basket", lambda p: chosen(p, "open-basket"))
    tour.take("order-when", lambda p: chosen(p, "when"))
    tour.take("order-place", lambda p: chosen(p, "open-basket", "go-on"))
    tour.take("order-bring", brings)
    tour.take("order-brought", lambda p: p.page.goto(f"{where}/o/{shops.brought}"))
    tour.take("online", at_screen("kai", "/online"))
    tour.take("online-refused", not_taken)
    for name, login, path in (
        ("office-online", "mei", "/office/online"),
        ("office-online-print", "mei", "/office/online/print"),
        ("office-delivery", "mei", "/office/delivery"),
        ("deliveries", "mei", "/deliveries"),
        ("delivery", "mei", f"/deliveries/{shops.delivery}"),
        ("courier", "wei", "/courier"),
        ("runner", "hua", "/runner"),
    ):
        tour.take(name, at_screen(login, path))


def office(shops: Shops, tour: Tour) -> None:
    """What owners set up: the menu's rest, the kitchen, offers and members."""

    def many(p: Person) -> None:
        p.sign_in("mei", "/office/menu/many")
        p.page.locator("main input[type=checkbox]").nth(1).check(force=True)

    def pairing(p: Person) -> None:
        p.sign_in("mei", "/office/terminals")
        p.page.locator("main form button[type=submit]").first.click()
        p.page.wait_for_load_state("load")
        link = re.search(r"https?://[^\s\"<]+/pair/[^\s\"<]+", p.page.content())
        assert link is not None, "the page shows a link to pair"
        p.page.goto(link[0])

    def on_the_board(opens: str) -> Steps:
        def steps(p: Person) -> None:
            p.sign_in("lin", "/kitchen")
            p.page.locator(f"[data-open={opens}]").first.click()
            p.page.locator(f"#{opens}[open]").wait_for()

        return steps

    tour.take("kitchen-dishes", on_the_board("dishes"))
    tour.take("kitchen-served", on_the_board("served"))
    tour.take("office-many", many)
    tour.take("pair", pairing)
    for name, path in (
        ("kitchen-pass", "/kitchen/pass"),
        ("office-kitchen", "/office/kitchen"),
        ("office-dish-new", "/office/menu/items/new"),
        ("office-times", "/office/menu/times"),
        ("office-preview", "/office/menu/preview"),
        ("offers", "/office/offers"),
        ("offers-new", "/office/offers/new"),
        ("offers-form", "/office/offers/new?kind=happy-hour"),
        ("offers-one", f"/office/offers/{shops.offer}"),
        ("members", "/office/members"),
    ):
        tour.take(name, at_screen("mei", path))


PARTS: Final = (counters, kiosks, tables, ahead, office)


def play(tour: Tour) -> None:
    """All of them."""
    shops = prepare(tour.browser, tour.house)
    for part in PARTS:
        part(shops, tour)
    scenes_guests.play(tour)
