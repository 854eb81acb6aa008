"""Pictures of every screen: `make screens` (or with words: `make screens ARGS="till kitchen"`) fills `screens/`.

Each screen on a phone and on a desk, in English and Chinese, the main ones in the dark as well: look at them."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import FLAGS, find
from tests.journeys.conftest import House, Person, start_demo

OUT = Path(__file__).resolve().parents[2] / "screens"
SIZES = {"phone": (360, 740), "desk": (1440, 900)}


def _order(browser: Browser, house: House, lang: str) -> str:
    """Two people order at table 5 and one of them pays, so that screens have something to show; tells the bill's id."""
    table = house.table("Noodle House", 4)
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
    amy.page.wait_for_timeout(600)
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


class Tour:
    """Takes the pictures."""

    def __init__(self, browser: Browser, house: House, only: list[str]) -> None:
        self._browser = browser
        self._house = house
        self._only = only

    def take(
        self, name: str, who: str, steps: object, *, sizes: tuple[str, ...] = ("phone", "desk"), dark: bool = False
    ) -> None:
        """One screen in every size and language; `who` is a login, a buyer, or nobody."""
        if self._only and not any(word in name for word in self._only):
            return
        for size in sizes:
            for lang in ("en", "zh"):
                for scheme in ("light", "dark") if dark else ("light",):
                    context = self._browser.new_context(
                        viewport={"width": SIZES[size][0], "height": SIZES[size][1]},
                        locale={"en": "en-US", "zh": "zh-CN"}[lang],
                        color_scheme=scheme,  # type: ignore[arg-type]
                        reduced_motion="reduce",
                    )
                    person = Person(context, self._house)
                    person.page.set_default_timeout(8000)
                    file = f"{name}-{size}-{lang}{'-dark' if scheme == 'dark' else ''}.png"
                    try:
                        steps(person)  # type: ignore[operator]
                        person.page.wait_for_timeout(700)
                    except Exception as error:  # a picture of what went wrong is worth more than none
                        print(f"{file}: {str(error).splitlines()[0]}")
                    person.page.screenshot(path=str(OUT / file))
                    if person.complaints:
                        print(f"{file}: {person.complaints}")
                    context.close()


def _in_shop(page: Page) -> object:
    return page.frame_locator("iframe[name=page]")


def main() -> int:
    """Start a demo, play a little, take the pictures."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        process = start_demo(Path(folder))
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        try:
            _tour(browser, House(Path(folder)), sys.argv[1:])
        finally:
            browser.close()
            process.send_signal(signal.SIGINT)
            process.wait(30)
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")
    return 0


def _tour(browser: Browser, house: House, only: list[str]) -> None:
    tour = Tour(browser, house, only)
    bill = _order(browser, house, "en")
    noodles, empty = house.table("Noodle House", 4), house.table("Noodle House", 6)
    wallet = f"localhost:{house.sandbox_url.rpartition(':')[2]}/wallet"
    tour.take("diner-menu", "amy", lambda p: p.scan("amy", noodles["url"]), dark=True)
    tour.take("diner-burritos", "amy", lambda p: p.scan("amy", house.table("Burrito Bar", 3)["url"]), sizes=("phone",))
    tour.take("diner-outside", "", lambda p: p.page.goto(empty["url"]))

    def dish(p: Person) -> None:
        p.scan("amy", noodles["url"])
        p.shop.get_by_test_id("dish").first.get_by_role("button").or_(
            p.shop.get_by_test_id("dish").first.get_by_role("link")
        ).last.click()
        p.shop.get_by_test_id("dish-sheet").wait_for()

    tour.take("diner-dish", "amy", dish, sizes=("phone",), dark=True)

    def basket(p: Person) -> None:
        p.scan("ben", noodles["url"])
        p.shop.get_by_test_id("bar").get_by_role("link").last.click()
        p.shop.get_by_test_id("basket-sheet").wait_for()

    tour.take("diner-basket", "ben", basket, sizes=("phone",))

    def bill_sheet(p: Person) -> None:
        p.scan("ben", noodles["url"])
        p.shop.get_by_test_id("bar").get_by_role("link").first.click()
        p.shop.get_by_test_id("bill-sheet").wait_for()

    tour.take("diner-bill", "ben", bill_sheet, sizes=("phone",), dark=True)

    def pay(p: Person) -> None:
        bill_sheet(p)
        pays = p.shop.get_by_test_id("pay-whole")
        if pays.count():
            pays.click()
        else:
            p.shop.get_by_role("link", name="Go on paying").or_(
                p.shop.get_by_role("link", name="继续支付")
            ).first.click()
        p.shop.locator("[data-pay-now]").wait_for()

    tour.take("diner-pay", "ben", pay, sizes=("phone",))

    def sheet(p: Person) -> None:
        pay(p)
        p.shop.locator("[data-pay-now]").click()
        p.page.locator("[data-do=pin]").wait_for()

    tour.take("wallet-confirm", "ben", sheet, dark=False)

    def pin(p: Person) -> None:
        sheet(p)
        p.page.locator("[data-do=pin]").click()
        p.type_pin("12")

    tour.take("wallet-pin", "ben", pin, sizes=("phone",))
    receipts = house.query("SELECT id FROM payments WHERE status = 'succeeded' LIMIT 1")

    def receipt(p: Person) -> None:
        p.scan("amy", noodles["url"])
        p.shop.get_by_test_id("bar").wait_for()
        port = house.sandbox_url.rpartition(":")[2]
        p.page.goto(f"http://amy.localhost:{port}/receipt/{receipts[0][0]}")

    tour.take("diner-receipt", "amy", receipt)

    def paid(p: Person) -> None:
        p.scan("amy", noodles["url"])
        p.shop.get_by_test_id("bar").wait_for()
        port = house.sandbox_url.rpartition(":")[2]
        p.page.goto(f"http://amy.localhost:{port}/pay/{receipts[0][0]}")

    tour.take("diner-paid", "amy", paid, sizes=("phone",), dark=True)
    for name, path in (
        ("home", ""),
        ("code", "/code"),
        ("scan", "/scan"),
        ("messages", "/messages"),
        ("settings", "/settings"),
    ):
        tour.take(f"wallet-{name}", "amy", lambda p, path=path: p.page.goto(f"http://amy.{wallet}{path}"))
    tour.take("wallet-phones", "", lambda p: p.page.goto(f"{house.sandbox_url}/wallet"))
    tour.take("staff-sign-in", "", lambda p: p.page.goto(f"{house.app_url}/sign-in"))
    for name, login, path, dark in (
        ("staff-home", "mei", "/staff", False),
        ("till", "kai", "/till", True),
        ("till-bill", "kai", f"/till/bills/{bill}", True),
        ("till-order", "kai", f"/till/bills/{bill}/order", False),
        ("kitchen", "lin", "/kitchen", True),
        ("office-menu", "mei", "/office/menu", False),
        ("office-import", "mei", "/office/menu/import", False),
        ("office-tables", "mei", "/office/tables", False),
        ("office-print", "mei", "/office/tables/print", False),
        ("terminals", "mei", "/staff/terminals", False),
    ):
        tour.take(name, login, lambda p, login=login, path=path: p.sign_in(login, path), dark=dark)

    def refund(p: Person) -> None:
        p.sign_in("mei", f"/till/bills/{bill}")
        p.page.get_by_role("button", name="Refund").or_(p.page.get_by_role("button", name="退款")).first.click()

    tour.take("till-refund", "mei", refund, sizes=("desk",))
    for ending, name in (("00", "paid"), ("93", "declined"), ("91", "waiting")):

        def scan(p: Person, ending: str = ending) -> None:
            p.sign_in("kai", f"/till/bills/{bill}")
            code = house.control("buyers/chen/payment-code", {})["code"]
            p.page.get_by_test_id("scan").fill(code[:-2] + ending)
            if ending == "00":
                p.page.locator("[name=typed]").evaluate("(field) => { field.value = '0.01' }")
            p.page.keyboard.press("Enter")
            p.page.wait_for_timeout(1200)

        tour.take(f"till-{name}", "kai", scan, sizes=("desk",))
    tour.take("not-found", "", lambda p: p.page.goto(f"{house.app_url}/t/nothing-here"))
    tour.take("start-page", "", lambda p: p.page.goto((house.folder / "start.html").as_uri()), dark=True)


if __name__ == "__main__":
    sys.exit(main())
