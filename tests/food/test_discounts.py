"""What is taken off a bill: spread to the cent, explained, and never touched once money moves."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.food.model import Line, Tab
from saoma.food.orders import ordering
from saoma.food.orders.discounts import Discount, Kind, discounts_of, put, spread, take_off
from saoma.food.orders.pricing import basket_total, tab_total
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from tests.food.make import Payer, added, all_lines, dish, noodle_house_menu, open_tab


@dataclass(frozen=True)
class Part:
    """A line as far as spreading cares."""

    id: str
    due: Money


def usd(minor: int) -> Money:
    return Money(minor, "USD")


PARTS = st.lists(st.integers(0, 5000), min_size=1, max_size=9).map(
    lambda prices: [Part(f"line_{number}", usd(price)) for number, price in enumerate(prices)]
)


@given(PARTS, st.integers(0, 50_000))
def test_a_discount_is_spread_to_the_cent_and_no_line_goes_below_zero(parts: list[Part], minor: int) -> None:
    shares = spread(usd(minor), parts)
    costs = {part.id: part.due.minor for part in parts}
    assert sum(share.minor for share in shares.values()) == min(minor, sum(costs.values()))
    for line_id, share in shares.items():
        assert 0 < share.minor <= costs[line_id]
        assert abs(share.minor * sum(costs.values()) - min(minor, sum(costs.values())) * costs[line_id]) <= sum(
            costs.values()
        )


async def _off(db: Database, tab: Tab, minor: int, lines: list[Line], key: str = "k") -> Discount:
    async with db.transaction() as tx:
        return await put(
            tx,
            tab.id,
            kind=Kind.MANUAL,
            shares=spread(usd(minor), lines),
            name="Regular guest",
            name_zh="老顾客",
            why="10 % off",
            by="staff_a",
            key=key,
        )


async def _of(db: Database, tab: Tab) -> list[Discount]:
    async with db.reading() as rows:
        return await discounts_of(rows, tab.id)


async def test_a_discount_explains_itself_and_lowers_what_is_due(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    lines = [await added(database, tab, dish(menu, code)) for code in ("plain", "tea")]
    await _off(database, tab, 100, lines)
    again = await _off(database, tab, 100, lines)
    assert [(one.id, one.amount, one.by) for one in await _of(database, tab)] == [(again.id, usd(100), "staff_a")]
    now = await all_lines(database, tab)
    assert sum(line.discount for line in now.values()) == 100
    assert basket_total(now.values(), "USD") == sum((line.money for line in lines), usd(-100))


async def test_a_dish_that_is_struck_or_made_fewer_takes_its_discount_along(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    two = await added(database, tab, dish(menu, "plain"), quantity=2)
    tea = await added(database, tab, dish(menu, "tea"))
    await _off(database, tab, 301, [two], "a")
    await _off(database, tab, tea.amount, [tea], "b")
    async with database.transaction() as tx:
        await ordering.set_quantity(tx, two.id, 1, None)
        await ordering.set_quantity(tx, tea.id, 0, None)
    assert [one.shares for one in await _of(database, tab)] == [{two.id: 150}]
    async with database.transaction() as tx:
        await ordering.send(tx, tab.id, "staff")
        await ordering.void_line(tx, two.id, "staff_a", "burnt")
    assert await _of(database, tab) == []
    assert (await all_lines(database, tab))[two.id].discount == 0


async def test_a_basket_that_is_dropped_when_guests_leave_leaves_no_discount_behind(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    tea = await added(database, tab, dish(menu, "tea"))
    await _off(database, tab, tea.amount, [tea])
    async with database.transaction() as tx:
        await ordering.close_tab(tx, tab.id)
        assert (
            await tx.value("SELECT sum(discount)::bigint FROM tab_lines WHERE tab_id = %(tab)s", {"tab": tab.id}) == 0
        )
        assert await tx.value("SELECT count(*) FROM line_discounts WHERE line_id = %(id)s", {"id": tea.id}) == 0


async def test_a_line_that_is_held_or_paid_keeps_its_discount(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    lines = [await added(database, tab, dish(menu, code)) for code in ("plain", "tea")]
    whole = await _off(database, tab, 200, lines)
    async with database.transaction() as tx:
        await ordering.send(tx, tab.id, "staff")
        await ordering.hold_lines(tx, Payer("pay_a"), [lines[0].id])
        assert await take_off(tx, tab.id, whole.id)
        assert not await take_off(tx, tab.id, whole.id)
    kept = whole.shares[lines[0].id]
    assert [one.shares for one in await _of(database, tab)] == [{lines[0].id: kept}]
    with pytest.raises(Conflict):
        await _off(database, tab, 1, [lines[0]], "late")
    now = (await all_lines(database, tab)).values()
    assert tab_total(now, "USD") == sum((line.money for line in lines), usd(-kept))


async def test_the_database_itself_lets_no_line_cost_less_than_nothing(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    tea = await added(database, tab, dish(menu, "tea"))
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await put(tx, tab.id, kind=Kind.OFFER, shares={tea.id: usd(tea.amount + 1)}, name="Too much", key="k")
    await _off(database, tab, tea.amount, [tea])
    with pytest.raises(psycopg.errors.CheckViolation):
        async with database.transaction() as tx:
            await tx.run("UPDATE line_discounts SET amount = amount + 1")
