"""What staff change about a bill at the till: discounts, struck dishes, moved tables; who may, and what it comes to."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.checkout import shifts
from saoma.checkout.printing import KnownPrinter, set_printer
from saoma.checkout.shifts import Shift
from saoma.food.kitchen import tickets as kitchen
from saoma.food.menus.menu import set_sold_out
from saoma.food.orders import ordering
from saoma.food.orders.discounts import Kind
from saoma.food.shift_figures import voids
from saoma.gateway import Method
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed
from saoma.kit.money import Money
from saoma.restaurant.bill import AnyAmount, TheseDishes, Whole
from saoma.restaurant.book_rules import RULES
from saoma.restaurant.by_hand import Off, names, reason_of, shares_of
from saoma.restaurant.shares import KIND
from saoma.restaurant.shift_figures import discounts_and_tips
from tests.checkout.printer import printer, prints
from tests.identity import make as identity
from tests.restaurant import make
from tests.restaurant.make import ANNA, Restaurant, app, fresh, restaurant, till
from tests.restaurant.test_till import dinner


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


class Piece:
    """A line as far as a discount cares."""

    def __init__(self, id: str, minor: int) -> None:
        self.id = id
        self.due = Money(minor, "USD")


class Given:
    """A discount that is there already."""

    def __init__(self, minor: int, kind: Kind) -> None:
        self.amount, self.kind = Money(minor, "USD"), kind


_lines = st.lists(st.integers(0, 9999), min_size=1, max_size=6).map(
    lambda amounts: [Piece(str(number), minor) for number, minor in enumerate(amounts)]
)


# -- how much, pure --------------------------------------------------------------------------------------------------


@given(_lines, st.integers(0, 20_000), st.integers(1, 100), st.lists(st.integers(1, 3000), max_size=3))
def test_a_discount_is_within_the_bill_and_what_a_person_may(
    lines: list[Piece], left: int, percent: int, before: list[int]
) -> None:
    limit, known = Money(2000, "USD"), [Given(minor, Kind.MANUAL) for minor in before]
    try:
        shares = shares_of(Off.PERCENT, str(percent), lines, Money(left, "USD"), limit, known)  # type: ignore[arg-type]
    except (Invalid, Conflict, NotAllowed):
        return
    amount = sum(share.minor for share in shares.values())
    assert 0 < amount <= left
    assert amount + sum(before) <= 2000
    assert all(shares[line.id].minor <= line.due.minor for line in lines if line.id in shares)


def test_offers_and_coupons_do_not_use_up_what_a_person_may_take_off() -> None:
    lines, left = [Piece("a", 5000)], Money(5000, "USD")
    before = [Given(1900, Kind.OFFER), Given(1500, Kind.COUPON)]
    shares = shares_of(Off.AMOUNT, "20", lines, left, Money(2000, "USD"), before)  # type: ignore[arg-type]
    assert shares == {"a": Money(2000, "USD")}


@pytest.mark.parametrize("typed", ["", "0", "-5", "101", "ten", "NaN", "1e1", "0.001", "Infinity"])
def test_what_is_no_percentage_takes_nothing_off(typed: str) -> None:
    with pytest.raises(Invalid):
        shares_of(Off.PERCENT, typed, [Piece("a", 1000)], Money(1000, "USD"), None, [])


def test_a_discount_is_called_as_people_say_it_in_either_language() -> None:
    assert names(Off.PERCENT, "10") == ("10% off", "9 折")
    assert names(Off.PERCENT, "15%") == ("15% off", "8.5 折")
    assert names(Off.PERCENT, "100") == ("On us", "免单")


def test_a_reason_is_given_or_nothing_happens() -> None:
    assert reason_of("", "  cold   soup ", ["On the house"]) == ("cold soup", False)
    assert reason_of("On the house", "", ["On the house"]) == ("On the house", True)
    with pytest.raises(Invalid):
        reason_of("made up", "", ["On the house"])


# -- discounts at the till -------------------------------------------------------------------------------------------


def discount(**form: str) -> dict[str, str]:
    return {"key": fresh(), "off": "percent", "typed": "10", "reason": "Regular guest"} | form


async def test_a_cashier_takes_a_tenth_off_and_the_bill_says_why_and_by_whom(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        form = discount()
        for _ in range(2):
            shown = (await cashier.post(f"/till/bills/{sitting.id}/discount", form)).text
        assert make.testids(shown, "discount") == 1
        assert "10% off" in shown
        assert "Regular guest" in shown
        assert (await house.bill(sitting)).left.minor == 1575
        tea = re.search(r'name="line" value="([^"]+)" data-minor="180"', shown)
        assert tea, "a dish is paid at what it costs now"
        off = re.search(r"/discounts/([^/]+)/off", (await cashier.get(f"/till/bills/{sitting.id}/discount")).text)
        assert off
        for _ in range(2):
            await cashier.post(f"/till/bills/{sitting.id}/discounts/{off[1]}/off")
    assert (await house.bill(sitting)).left.minor == 1750
    async with house.db.reading() as rows:
        whats = await rows.value(
            "SELECT array_agg(what ORDER BY id) FROM audit WHERE subject = %(id)s", {"id": sitting.id}
        )
    assert whats == ["gave_discount", "withdrew_discount"]


async def test_free_tables_stay_tables_beside_a_bill_that_is_changed(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house, Role.MANAGER) as manager:
        beside = [
            re.search(r'<div class="free-tables">.*?</div>', (await manager.get(path, htmx=False)).text, re.S)
            for path in ("/till", *(f"/till/bills/{sitting.id}/{what}" for what in ("discount", "void", "move")))
        ]
    names = [re.findall(r"<button[^>]*>\s*([^<]+?)\s*</button>", found[0]) if found else [] for found in beside]
    assert names[0] and names == [names[0]] * 4


async def test_a_cashiers_small_discounts_together_stay_below_the_limit_and_a_manager_gives_any(
    house: Restaurant,
) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, *["beef"] * 8)
    before = (await house.bill(sitting)).left.minor
    server = app(house)
    async with till(server, house) as cashier:
        for typed, rest in (("15", 1500), ("5.01", 1500), ("5", 2000)):
            answer = await cashier.post(f"/till/bills/{sitting.id}/discount", discount(off="amount", typed=typed))
            assert before - (await house.bill(sitting)).left.minor == rest
            assert ("Ask a manager for more" in answer.text) == (typed == "5.01")
    async with till(server, house, Role.WAITER) as waiter:
        assert (await waiter.post(f"/till/bills/{sitting.id}/discount", discount())).status_code == 403
        assert "to-discount" not in (await waiter.get(f"/till/bills/{sitting.id}")).text
    async with till(server, house, Role.MANAGER) as manager:
        await manager.post(f"/till/bills/{sitting.id}/discount", discount(typed="100", reason="On the house"))
        assert (await house.bill(sitting)).left.minor == 0
        assert (await manager.post(f"/till/bills/{sitting.id}/close", htmx=False)).status_code == 303


async def test_what_is_being_paid_keeps_its_price(house: Restaurant) -> None:
    sitting = await dinner(house)
    lines = [dish.line_id for dish in (await house.bill(sitting)).dishes]
    await house.pays(sitting, TheseDishes(frozenset(lines[:1])))
    async with till(app(house), house, Role.MANAGER) as manager:
        refused = await manager.post(f"/till/bills/{sitting.id}/discount", discount(line=lines[0]))
        assert make.testids(refused.text, "refusal") == 1
        before = await house.bill(sitting)
        await manager.post(f"/till/bills/{sitting.id}/discount", discount(typed="50"))
    after = await house.bill(sitting)
    assert after.held == before.held
    assert after.left.minor == before.left.minor // 2


async def test_a_dish_is_struck_with_a_reason_and_the_kitchen_is_told(house: Restaurant) -> None:
    sitting = await dinner(house)
    beef = (await house.bill(sitting)).dishes[0]
    async with till(app(house), house, Role.MANAGER) as manager:
        path = f"/till/bills/{sitting.id}/void"
        refused = await manager.post(path, {"key": "k", "line": beef.line_id})
        assert "Choose a reason or write one" in refused.text
        form = {"key": "k", "line": beef.line_id, "words": "a hair in it"}
        for _ in range(2):
            shown = (await manager.post(path, form)).text
        assert "a hair in it" in shown
        assert make.testids(shown, "struck") == 1
    async with house.db.reading() as rows:
        [of_anna] = [ticket for ticket in await kitchen.tickets(rows, house.store_id) if len(ticket.lines) == 2]
        assert [line.status.value for line in of_anna.lines] == ["void", "sent"]
        assert await rows.value("SELECT count(*) FROM audit WHERE what = 'struck_dish'") == 1
    assert (await house.bill(sitting)).ordered.minor == 1750 - beef.amount.minor


async def test_one_of_three_teas_is_struck_once_and_two_are_left_at_their_discount(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    async with house.db.transaction() as tx:
        await ordering.add_line(tx, sitting.tab_id, house.dish("tea").id, [], 3, anna.id, "", "teas")
    await ordering.order(house.db, sitting.tab_id, anna.id)
    async with till(app(house), house, Role.MANAGER) as manager:
        await manager.post(f"/till/bills/{sitting.id}/discount", discount(typed="50"))
        [teas] = (await house.bill(sitting)).dishes
        form = {"key": "k", "line": teas.line_id, f"pieces-{teas.line_id}": "1", "reason": "It never came"}
        for _ in range(2):
            await manager.post(f"/till/bills/{sitting.id}/void", form)
    bill = await house.bill(sitting)
    assert [dish.amount.minor for dish in bill.dishes] == [200]
    async with house.db.reading() as rows:
        lines = await ordering.lines(rows, sitting.tab_id)
    assert sorted((line.status.value, line.quantity) for line in lines) == [("sent", 2), ("void", 1)]


async def test_a_paid_dish_is_not_struck_and_its_refund_is_offered_with_the_dish_ticked(house: Restaurant) -> None:
    sitting = await dinner(house)
    beef = (await house.bill(sitting)).dishes[0]
    payment = await house.money_arrives(await house.pays(sitting, TheseDishes(frozenset([beef.line_id]))))
    async with till(app(house), house, Role.MANAGER) as manager:
        refused = await manager.post(
            f"/till/bills/{sitting.id}/void", {"key": "k", "line": beef.line_id, "reason": "It never came"}
        )
        assert "has been paid. Give the money back with a refund instead." in refused.text
        way = re.search(r'href="([^"]+)"[^>]*data-testid="refund-instead"', refused.text)
        assert way
        shown = (await manager.get(way[1].replace("&amp;", "&"))).text
    dialog = re.search(rf'<dialog id="refund-{payment.id}".*?</dialog>', shown, re.S)
    assert dialog
    assert "data-open-now" in dialog[0]
    assert re.search(rf'value="{beef.line_id}"\s+checked', dialog[0])


async def test_a_dish_is_not_struck_when_more_is_paid_than_the_bill_would_come_to(house: Restaurant) -> None:
    sitting = await dinner(house)
    bill = await house.bill(sitting)
    dish = max(bill.dishes, key=lambda each: each.amount)
    amount = AnyAmount(bill.ordered - Money(100, "USD"))
    await house.money_arrives(await house.pays(sitting, amount))
    async with till(app(house), house, Role.MANAGER) as manager:
        struck = {"key": "k", "line": dish.line_id, "reason": "It never came"}
        refused = await manager.post(f"/till/bills/{sitting.id}/void", struck)
        assert "than it would come to then" in refused.text
    after = await house.bill(sitting)
    assert (after.ordered, after.surplus.minor) == (bill.ordered, 0)


async def test_a_dish_that_two_managers_give_back_goes_back_once(house: Restaurant) -> None:
    sitting = await dinner(house)
    beef = (await house.bill(sitting)).dishes[0]
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    path = f"/till/bills/{sitting.id}/payments/{payment.id}/refund"
    async with till(app(house), house, Role.MANAGER) as one, till(app(house), house, Role.MANAGER) as two:
        for number, manager in enumerate((one, two)):
            await manager.post(path, {"line": beef.line_id, "reason": "cold", "key": f"tap {number}", "typed": ""})
    assert (await house.payments.get(payment.id)).refunded == beef.amount.minor
    assert house.alipay.count("refund") == 1


async def test_a_cashier_strikes_nothing(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        assert (await cashier.get(f"/till/bills/{sitting.id}/void")).status_code == 403
        assert "to-void" not in (await cashier.get(f"/till/bills/{sitting.id}")).text


async def test_a_waiter_moves_a_table_and_joins_two_and_old_addresses_lead_to_the_bill(house: Restaurant) -> None:
    sitting = await dinner(house)
    other, _ = await house.sit("2088000000000109", table=1)
    async with till(app(house), house, Role.WAITER) as waiter:
        shown = (await waiter.get(f"/till/bills/{sitting.id}/move")).text
        assert f'value="table:{house.tables[2].id}"' in shown
        assert f'value="bill:{other.id}"' in shown
        await waiter.post(f"/till/bills/{sitting.id}/move", {"to": f"table:{house.tables[2].id}"})
        assert (await house.again(sitting)).table_id == house.tables[2].id
        for _ in range(2):
            await waiter.post(f"/till/bills/{sitting.id}/move", {"to": f"bill:{other.id}"})
        led = await waiter.get(f"/till/bills/{sitting.id}")
        assert (led.status_code, led.headers["location"]) == (303, f"/till/bills/{other.id}")
        assert (await waiter.post(f"/till/bills/{sitting.id}/close", htmx=False)).headers["location"].endswith(other.id)
    assert (await house.bill(other)).left.minor == 1750
    async with house.db.reading() as rows:
        whats = await rows.value("SELECT array_agg(what ORDER BY id) FROM audit")
    assert whats == ["moved_table", "joined_bills"]


async def test_a_table_that_wants_the_bill_says_so_on_its_tile(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house, Role.WAITER) as waiter:
        await waiter.post(f"/till/bills/{sitting.id}/ask", {"asked": "yes"})
        assert make.testids((await waiter.get("/till/bills", htmx=True)).text, "tile-asked") == 1
        shown = (await waiter.post(f"/till/bills/{sitting.id}/ask", {"asked": "no"})).text
        assert make.testids(shown, "bill-asked") == 0


# -- the waiter's pad ------------------------------------------------------------------------------------------------


async def test_a_waiter_orders_by_seat_sends_a_course_and_fires_the_next(house: Restaurant) -> None:
    async with house.db.transaction() as tx:
        await tx.run("UPDATE menu_sections SET course = 'drinks' WHERE id IN (SELECT section_id FROM menu_items"
                     " WHERE id = %(tea)s)", {"tea": house.dish("tea").id})  # fmt: skip
        await tx.run("UPDATE menu_sections SET course = 'main' WHERE course = ''")
        await tx.run("UPDATE menus SET version = gen_random_uuid()::text")
    async with till(app(house), house, Role.WAITER) as waiter:
        opened = await waiter.post(f"/till/tables/{house.tables[0].id}/open", htmx=False)
        order = opened.headers["location"]
        bill = order.removesuffix("/order")
        for _ in range(2):
            people = (await waiter.post(f"{bill}/seats", {"known": "0"})).text
        assert make.testids(people, "for-guest") == 1, "pressed twice, one seat"
        seat = re.search(r'name="for" value="(gst_[^"]+)"', people)
        assert seat
        await waiter.post(f"{bill}/lines", {"item": house.dish("plain").id, "key": "1", "for": seat[1]})
        chosen = (await waiter.post(f"{bill}/lines", {"item": house.dish("tea").id, "key": "2"})).text
        assert make.testids(chosen, "chosen-line") == 2
        left = (await waiter.post(f"{bill}/send", {"course": "drinks"})).text
        assert make.testids(left, "chosen-line") == 1
        await waiter.post(f"{bill}/send")
        shown = (await waiter.get(bill)).text
        assert "Guest 1" in shown
        refused = await waiter.post(f"{bill}/lines", {"item": house.dish("tea").id, "key": "3", "for": "gst_x"})
        assert "Choose again for whom it is" in refused.text
    async with house.db.reading() as rows:
        sold = await rows.value("SELECT array_agg(guest_id ORDER BY guest_id) FROM tab_lines WHERE status = 'sent'")
        assert sold == ["", seat[1]]
        assert await rows.value("SELECT channel FROM tabs") == "waiter"


async def test_a_dish_that_sold_out_meanwhile_says_so_on_the_pad_and_nothing_is_sent(house: Restaurant) -> None:
    sitting, _ = await house.sit(ANNA)
    path = f"/till/bills/{sitting.id}"
    async with till(app(house), house, Role.WAITER) as waiter:
        await waiter.post(f"{path}/lines", {"item": house.dish("tea").id, "key": "1"})
        async with house.db.transaction() as tx:
            await set_sold_out(tx, house.dish("tea").id, sold_out=True)
        refused = (await waiter.post(f"{path}/send")).text
        assert make.testids(refused, "refusal") == 1
        assert "is sold out" in refused
        assert "is sold out" in (await waiter.post(f"{path}/lines", {"item": house.dish("tea").id, "key": "2"})).text
    assert not (await house.bill(sitting)).ordered


# -- the money -------------------------------------------------------------------------------------------------------


async def drawer(house: Restaurant) -> Shift:
    """A shift at the drawer that devices of no terminal share."""
    who = await identity.staff(house.db, house.shop, Role.CASHIER)
    async with house.db.transaction() as tx:
        return await shifts.begin(tx, house.clock, who, house.shop.store, "", Money.parse("100.00", "USD"))


async def test_four_people_pay_an_even_part_each_with_a_tip_and_cash_opens_the_drawer(house: Restaurant) -> None:
    sitting = await dinner(house)
    await drawer(house)
    paid = []
    async with printer() as (address, jobs), till(app(house), house) as cashier:
        wanted = KnownPrinter(
            store_id=house.store_id, terminal_id="", address=address, millimetres=80, letters="gbk", has_drawer=True
        )
        async with house.db.transaction() as tx:
            await set_printer(tx, wanted, loopback=True)
        for number in range(4):
            shown = (await cashier.get(f"/till/bills/{sitting.id}")).text
            part = re.search(r'value="4"\s+data-minor="(\d+)"', shown)
            assert part
            paid.append(int(part[1]))
            form = {"key": f"k{number}", "shown": part[1], "ways": "4", "tip": "0.50", "method": "cash", "given": "20"}
            for _ in range(2):
                answer = await cashier.post(f"/till/bills/{sitting.id}/taken", form)
            assert make.testids(answer.text, "by-hand") == 1
        assert [prints(jobs.get_nowait()).pulses for _ in range(jobs.qsize())] == [1, 1, 1, 1]
    assert sorted(paid) == [437, 437, 438, 438]
    bill = await house.bill(sitting)
    assert bill.covered
    assert (bill.tips.minor, bill.surplus.minor) == (200, 0)


async def test_tills_that_do_not_add_up_discounts_tips_voids_and_refunds_are_each_told_apart(house: Restaurant) -> None:
    """The users' complaint: at the end of a shift the drawer, the bills and the report tell three stories."""
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef", "beef", "plain", "tea")
    first = await house.bill(sitting)
    beef, other, plain, tea = (dish.line_id for dish in first.dishes)
    shift = await drawer(house)
    path = f"/till/bills/{sitting.id}"
    async with till(app(house), house, Role.MANAGER) as manager:
        await manager.post(f"{path}/discount", discount(typed="50", line=beef))
        await manager.post(f"{path}/void", {"key": fresh(), "line": other, "reason": "It never came"})
        for key, dish, method, tip in (("a", beef, "cash", "1.00"), ("b", plain, "card_terminal", "0.70")):
            due = {each.line_id: each.amount.minor for each in (await house.bill(sitting)).dishes}[dish]
            form = {"key": key, "shown": str(due), "line": dish, "tip": tip, "method": method, "reference": "slip"}
            assert make.testids((await manager.post(f"{path}/taken", form)).text, "by-hand") == 1
        taken = {one.method: one for one in await house.payments.of_payable(KIND, sitting.id)}
        cash = taken[Method.CASH]
        give = {"key": fresh(), "line": beef, "reason": "It was cold"}
        await manager.post(f"{path}/payments/{cash.id}/refund", give)
        form = {"key": "c", "shown": "200", "line": tea, "method": "cash"}
        await manager.post(f"{path}/taken", form)
        async with house.db.transaction() as tx:
            await tx.run("UPDATE tab_discounts SET created_at = %(now)s", {"now": house.clock.now()})
        takings = (await manager.get("/till/takings")).text
    bill = await house.bill(sitting)
    half = first.dishes[0].amount.minor // 2
    assert bill.ordered.minor == first.ordered.minor - half - first.dishes[1].amount.minor
    assert (bill.covered, bill.left.minor, bill.refunded.minor) == (True, 0, half), "a refund of a dish leaves the tip"
    async with house.db.reading() as rows:
        counted = shifts.drawer_of(shift, await shifts.entries(rows, shift.id))
        told = {each.name: (each.count, each.amount.minor) for each in await discounts_and_tips(rows, shift)}
        struck = [(each.count, each.amount.minor) for each in await voids(rows, shift)]
        broken = [name for name, rule in RULES.items() if await rows.rows(Broken, rule)]
    assert counted.expected.minor == 10000 + (half + 100) - half + 200, "float, cash with its tip, what went back, tea"
    assert told == {
        "Discounts by hand": (1, half),
        "Tips in this drawer": (1, 100),
        "Tips at this till, not cash": (1, 70),
    }
    assert struck == [(1, first.dishes[1].amount.minor)]
    assert not broken
    assert make.testids(takings, "taken-off") == 1
    assert sorted(re.findall(r'data-testid="tips-of">([^<]+)<', takings)) == ["$0.70", "$1.00"]


class Broken(msgspec.Struct):
    """A row that breaks a rule of the books."""

    id: str
    detail: str
