"""How to reach every screen, for the pictures of `screens` and for the looks of `test_accessibility`.

`prepare` plays once what screens need to have something to show; it may be run on a demo that was used before."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.journeys import scenes_dialogs, scenes_food
from tests.journeys.conftest import House, Person
from tests.journeys.stuck import leave_stuck

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.screens import Tour

PHONES = ("small", "phone")


@dataclass(frozen=True)
class Stage:
    """What the scenes are about."""

    house: House
    bill: str
    open_bill: str
    table_url: str
    free_url: str
    paid: str
    stuck: str


def order_dishes(browser: Browser, house: House) -> str:
    """Two people order at table 5 and one of them pays, so that screens have something to show; tells the bill's id."""
    table = house.table("Noodle House", 4)
    known = house.query(
        "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id "
        "WHERE t.code = %s AND s.closed_at IS NULL",
        table["code"],
    )
    if known:
        return str(known[0][0])
    amy = Person(browser.new_context(viewport={"width": 390, "height": 780}, locale="en-US"), house)
    ben = Person(browser.new_context(viewport={"width": 390, "height": 780}, locale="en-US"), house)
    amy.scan("amy", table["url"])
    ben.scan("ben", table["url"])
    for one, dishes in ((amy, ("Pork and chive dumplings", "Smashed cucumber")), (ben, ("Vegetable buns",))):
        for dish in dishes:
            one.shop.get_by_test_id("dish").filter(has_text=dish).get_by_role("button").last.click()
            one.page.wait_for_timeout(400)
    amy.shop.get_by_test_id("bar").get_by_role("link").last.click()
    amy.shop.get_by_test_id("send").click()
    amy.page.wait_for_timeout(800)
    amy.page.reload()
    amy.shop.get_by_test_id("bar").get_by_role("link").first.click()
    amy.shop.get_by_test_id("pay-mine").click()
    amy.shop.locator("[data-pay-now]").click()
    amy.page.locator("[data-do=pin]").click()
    amy.type_pin()
    amy.shop.locator("#pay[data-shows=paid]").wait_for()
    ben.shop.get_by_test_id("dish").filter(has_text="Stir-fried greens").get_by_role("button").last.click()
    ben.page.wait_for_timeout(500)
    amy.context.close()
    ben.context.close()
    return str(
        house.query(
            "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s", table["code"]
        )[0][0]
    )


def seat_guests(browser: Browser, house: House) -> str:
    """The cashier seats people who don't scan at table 3 and orders for them; tells the bill's id."""
    table = house.table("Noodle House", 2)["code"]
    sql = (
        "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id "
        "WHERE t.code = %s AND s.closed_at IS NULL"
    )
    known = house.query(sql, table)
    if known:
        return str(known[0][0])
    kai = Person(browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US"), house)
    kai.sign_in("kai", "/till")
    kai.page.locator(".free-tables button").filter(has_text=re.compile("^3$")).click()
    kai.page.wait_for_url(re.compile("/order"))
    for number in (1, 2, 3):
        kai.page.locator(".dish-keys form button.dish-key:not([disabled])").nth(number).click()
        kai.page.wait_for_timeout(400)
    kai.page.get_by_test_id("send").click()
    kai.page.get_by_test_id("take-amount").wait_for()
    kai.context.close()
    return str(house.query(sql, table)[0][0])


def prepare(browser: Browser, house: House) -> Stage:
    """Play what the scenes need."""
    bill = order_dishes(browser, house)
    open_bill = seat_guests(browser, house)
    stuck = house.query("SELECT subject_id FROM cases WHERE status = 'open' AND kind = 'payment_stuck' LIMIT 1")
    return Stage(
        house=house,
        bill=bill,
        open_bill=open_bill,
        table_url=house.table("Noodle House", 4)["url"],
        free_url=house.table("Noodle House", 6)["url"],
        paid=str(house.query("SELECT id FROM payments WHERE status = 'succeeded' ORDER BY created_at LIMIT 1")[0][0]),
        stuck=str(stuck[0][0]) if stuck else leave_stuck(house)[0],
    )


def at(address: str) -> Callable[[Person], object]:
    """Just open it."""
    return lambda person: person.page.goto(address)


def signed_in(login: str, path: str) -> Callable[[Person], object]:
    """Somebody of the staff at their screen; people without a link on the start page type their password."""

    def steps(person: Person) -> None:
        if any(each["login"] == login and each.get("merchant") for each in person.house.told["staff"]):
            person.sign_in(login, path)
            return
        known = next(each for each in person.house.told["staff"] if each["login"] == login)
        person.page.goto(f"{person.house.app_url}/sign-in?{urllib.parse.urlencode({'next': path})}")
        person.page.locator("input[name=login]").fill(known["login"])
        person.page.locator("input[name=password]").fill(known["password"])
        person.page.locator("input[name=password]").press("Enter")
        person.page.wait_for_url(re.compile(r"localhost:\d+/(?!sign-in)|127\.0\.0\.1:\d+/(?!sign-in)"))

    return steps


def diner(stage: Stage, tour: Tour) -> None:
    """The phone of somebody at a table."""
    port = stage.house.sandbox_url.rpartition(":")[2]

    def at_table(name: str) -> Callable[[Person], object]:
        def steps(p: Person) -> None:
            p.scan(name, stage.table_url)
            p.shop.get_by_test_id("bar").wait_for()

        return steps

    def then(*steps: Callable[[Person], object]) -> Callable[[Person], object]:
        return lambda p: [step(p) for step in steps]

    def open_dish(p: Person) -> None:
        p.shop.get_by_test_id("dish").first.get_by_role("link").first.click()
        p.shop.get_by_test_id("dish-sheet").wait_for()

    def open_basket(p: Person) -> None:
        p.shop.get_by_test_id("bar").get_by_role("link").last.click()
        p.shop.get_by_test_id("basket-sheet").wait_for()

    def open_bill(p: Person) -> None:
        p.shop.get_by_test_id("bar").get_by_role("link").first.click()
        p.shop.get_by_test_id("bill-sheet").wait_for()

    def begin_to_pay(p: Person) -> None:
        again = p.shop.get_by_role("link", name=re.compile("Go on paying|继续支付"))
        if again.count():
            again.first.click()
        else:
            p.shop.get_by_test_id("pay-whole").or_(p.shop.get_by_test_id("pay-mine")).first.click()
        p.shop.locator("[data-pay-now]").wait_for()

    def open_sheet(p: Person) -> None:
        p.shop.locator("[data-pay-now]").click()
        p.page.locator("[data-do=pin]").wait_for()

    def half_a_pin(p: Person) -> None:
        p.page.locator("[data-do=pin]").click()
        p.type_pin("12")

    tour.take("diner-menu", at_table("amy"))
    tour.take("diner-burritos", lambda p: p.scan("amy", p.house.table("Burrito Bar", 3)["url"]), sizes=PHONES)
    tour.take("diner-outside", lambda p: p.page.goto(stage.free_url))
    tour.take("diner-dish", then(at_table("amy"), open_dish), sizes=PHONES)
    tour.take("diner-basket", then(at_table("ben"), open_basket), sizes=PHONES)
    tour.take("diner-bill", then(at_table("ben"), open_bill), sizes=PHONES)
    tour.take("diner-pay", then(at_table("ben"), open_bill, begin_to_pay), sizes=PHONES)
    tour.take("wallet-confirm", then(at_table("ben"), open_bill, begin_to_pay, open_sheet))
    tour.take("wallet-pin", then(at_table("ben"), open_bill, begin_to_pay, open_sheet, half_a_pin), sizes=PHONES)
    for name, path in (("diner-receipt", "receipt"), ("diner-paid", "pay")):

        def own_page(p: Person, path: str = path) -> None:
            at_table("amy")(p)
            p.page.goto(f"http://amy.localhost:{port}/{path}/{stage.paid}")

        tour.take(name, own_page)
    tour.take("diner-wrong-code", lambda p: p.page.goto(f"{p.house.app_url}/t/nothing-here"))


def wallet(stage: Stage, tour: Tour) -> None:
    """The toy wallet."""
    port = stage.house.sandbox_url.rpartition(":")[2]
    for name, path in (
        ("home", ""),
        ("code", "/code"),
        ("scan", "/scan"),
        ("messages", "/messages"),
        ("bills", "/bills"),
        ("settings", "/settings"),
    ):
        tour.take(f"wallet-{name}", at(f"http://amy.localhost:{port}/wallet{path}"))

    def at_amys(path: str, *selectors: str) -> Callable[[Person], object]:
        def steps(p: Person) -> None:
            p.page.goto(f"http://amy.localhost:{port}/wallet{path}")
            for selector in selectors:
                p.page.locator(selector).first.click()
            p.page.wait_for_timeout(300)

        return steps

    def new_pin(p: Person) -> None:
        at_amys("/settings", "[data-new-pin]")(p)
        p.page.locator("[data-step=who]").wait_for()
        amy = next(each for each in p.house.control("buyers")["buyers"] if each["id"] == "amy")
        p.page.keyboard.type(amy["user_id"][-4:])
        p.page.locator("[data-step=text]").wait_for()

    nobody = urllib.parse.quote("http://127.0.0.1:9/t/4", safe="")
    tour.take("wallet-bill", at_amys("/bills", "a.w-line"))
    tour.take("wallet-code-bars", at_amys("/code", "[data-enlarge=bars]"))
    tour.take("wallet-code-square", at_amys("/code", "[data-enlarge=qr]"))
    tour.take("wallet-counter", at_amys("/scan", "[data-counter] button"), sizes=("desk",))
    tour.take("wallet-new-pin", new_pin)
    asked = {"app_id": "2016000000000001", "scope": "auth_user", "redirect_uri": f"{stage.house.app_url}/"}
    tour.take("wallet-consent", at_amys(f"/consent?{urllib.parse.urlencode(asked)}"))
    tour.take("wallet-page-down", at_amys(f"/open?url={nobody}"))
    tour.take("wallet-phones", at(f"{stage.house.sandbox_url}/wallet"))

    def start_page(p: Person) -> None:
        chinese = p.page.evaluate("navigator.language").startswith("zh")
        p.page.goto((stage.house.folder / ("start.zh.html" if chinese else "start.html")).as_uri())

    tour.take("start-page", start_page)


def till(stage: Stage, tour: Tour) -> None:
    """The counter."""
    bill, shared = f"/till/bills/{stage.open_bill}", f"/till/bills/{stage.bill}"

    def pressed(login: str, path: str, testid: str) -> Callable[[Person], object]:
        def steps(p: Person) -> None:
            p.sign_in(login, path)
            p.page.get_by_test_id(testid).first.click()
            p.page.wait_for_timeout(300)

        return steps

    tour.take("till", signed_in("kai", "/till"))
    tour.take("till-bill", signed_in("kai", bill))
    tour.take("till-shared-bill", signed_in("kai", shared))
    tour.take("till-order", signed_in("kai", f"{bill}/order"))
    tour.take("till-paper", signed_in("kai", f"{bill}/paper"))
    tour.take("till-cash", pressed("kai", bill, "cash"))
    tour.take("till-refund", pressed("mei", shared, "refund"))
    tour.take("till-takings", signed_in("mei", "/till/takings"))
    tour.take("till-refunds", signed_in("mei", "/till/refunds"))
    for ending, name in (("93", "refused"), ("91", "waiting"), ("00", "paid")):

        def scan(p: Person, ending: str = ending) -> None:
            p.sign_in("kai", bill)
            code = p.house.control("buyers/chen/payment-code", {})["code"]
            p.page.locator("#take [name=typed]").fill("0.01")
            p.page.get_by_test_id("scan").fill(code[:-2] + ending)
            p.page.keyboard.press("Enter")
            p.page.locator("#payment-panel").wait_for()

        tour.take(f"till-{name}", scan)


def in_lesson(login: str, lesson: str) -> Callable[[Person], object]:
    """Somebody of the staff at the practice till, where a lesson has just begun."""

    def steps(p: Person) -> None:
        p.sign_in(login, "/practice")
        begin = p.page.locator(f"[data-lesson={lesson}] [data-testid=begin]")
        if not begin.is_visible():
            p.page.get_by_test_id("passed-lessons").locator("summary").click()
        begin.click()
        p.page.get_by_test_id("tell").wait_for()

    return steps


def practice(stage: Stage, tour: Tour) -> None:
    """Lessons, and the coach beside the till."""

    def waiting(p: Person) -> None:
        in_lesson("kai", "error_paid")(p)
        p.page.get_by_test_id("scan-code").click()
        p.page.locator("#payment-panel[data-shows=waiting]").wait_for()

    def passed(p: Person) -> None:
        in_lesson("kai", "paid")(p)
        p.page.get_by_test_id("scan-code").click()
        p.page.locator("#coach-in[data-stage='2']").wait_for(state="attached")
        opener = p.page.get_by_test_id("coach-open")
        if opener.is_visible():
            opener.click()
        p.page.get_by_test_id("hand-over").click()
        p.page.get_by_test_id("passed").wait_for()

    tour.take("practice-lesson", in_lesson("kai", "wrong_code"))
    tour.take("practice-refund", in_lesson("kai", "refund"))
    tour.take("practice-waiting", waiting)
    tour.take("practice-passed", passed)
    tour.take("practice", signed_in("mei", "/practice"))
    tour.take("practice-team", signed_in("mei", "/practice/team"))


def staff(stage: Stage, tour: Tour) -> None:
    """Kitchen, office, signing in."""
    tour.take("sign-in", lambda p: p.page.goto(f"{p.house.app_url}/sign-in"))
    tour.take("sign-in-link", lambda p: p.page.goto(p.house.sign_in_link("kai")))
    tour.take("sign-in-link-ended", lambda p: p.page.goto(f"{p.house.app_url}/sign-in/link/none"))
    dish = stage.house.query("SELECT id FROM menu_items ORDER BY id LIMIT 1")
    for name, login, path in (
        ("staff-home", "mei", "/staff"),
        ("staff-switch", "kai", "/switch?next=/till"),
        ("no-permission", "lin", "/till"),
        ("kitchen", "lin", "/kitchen"),
        ("office-menu", "mei", "/office/menu"),
        ("office-dish", "mei", f"/office/menu/items/{dish[0][0]}"),
        ("office-import", "mei", "/office/menu/import"),
        ("office-tables", "mei", "/office/tables"),
        ("office-tables-print", "mei", "/office/tables/print"),
        ("office-codes", "mei", "/office/codes"),
        ("office-codes-print", "mei", "/office/codes/print"),
        ("office-devices", "mei", "/office/terminals"),
        ("office-api-keys", "mei", "/office/api-keys"),
        ("office-staff", "mei", "/console/staff"),
    ):
        tour.take(name, signed_in(login, path))


def console(stage: Stage, tour: Tour) -> None:
    """The operator's pages."""
    case = stage.house.query("SELECT id FROM cases WHERE subject_id = %s LIMIT 1", stage.stuck)[0][0]
    account = stage.house.told["accounts"][0]["id"]
    for name, path in (
        ("health", "/console"),
        ("cases", "/console/cases?status=all"),
        ("case", f"/console/cases/{case}"),
        ("payments", "/console/payments"),
        ("payment", f"/console/payments/{stage.stuck}"),
        ("paid", f"/console/payments/{stage.paid}"),
        ("refunds", "/console/refunds"),
        ("alarms", "/console/alarms"),
        ("notices", "/console/notices"),
        ("shops", "/console/shops"),
        ("sources", "/console/reconciliation/sources"),
        ("source", f"/console/reconciliation/sources/{account}"),
        ("source-edit", f"/console/reconciliation/sources/{account}/edit"),
        ("reconciliation", "/console/reconciliation"),
        ("accounts", "/console/accounts"),
        ("account", f"/console/accounts/{account}"),
        ("account-new", "/console/accounts/new"),
        ("account-new-acquirer", "/console/accounts/new?channel=acquirer"),
        ("account-edit", f"/console/accounts/{account}/edit"),
        ("account-keys", f"/console/accounts/{account}/keys"),
        ("account-production", f"/console/accounts/{account}/production"),
        ("signature", "/console/signature"),
        ("staff", "/console/staff"),
    ):
        tour.take(f"console-{name}", signed_in("operator", path))
    run = stage.house.query("SELECT id FROM recon_runs ORDER BY day DESC LIMIT 1")
    if run:
        tour.take("console-run", signed_in("operator", f"/console/reconciliation/{run[0][0]}"))


PARTS: Final = (diner, wallet, staff, till, practice, console)
#: What needs everything that the scenes of the shops play first.
LAST: Final = (scenes_dialogs.dialogs,)


def play(tour: Tour) -> None:
    """All scenes, one after the other."""
    stage = prepare(tour.browser, tour.house)
    for part in PARTS:
        part(stage, tour)
    scenes_food.play(tour)
    for part in LAST:
        part(stage, tour)
