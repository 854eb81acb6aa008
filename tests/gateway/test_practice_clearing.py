"""What practice leaves behind is gone after some nights, and nothing of a real shop with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.food.menus.drafts import ItemDraft, MenuDraft, SectionDraft
from saoma.food.menus.editing import store_menu
from saoma.food.menus.menu import menu, open_menu
from saoma.food.orders import ordering
from saoma.identity.model import add_store
from saoma.kit.due import drive_due
from saoma.payments.watch import chores
from saoma.practice.clearing import clear_practice
from saoma.restaurant import sittings
from saoma.restaurant.tables import add_table
from tests.gateway.house import House, Shop
from tests.gateway.practice import coach, post, value

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Everything that hangs on a store, a menu, a sitting or a tab; whoever adds a table here has it cleared too.
HANGS_ON_A_STORE = {
    *("menus", "stations", "menu_sections", "menu_items", "option_groups", "options", "tabs", "tab_lines"),
    *("dining_tables", "sittings", "guests", "bill_shares", "dining_rules", "terminals"),
    *("staff", "practice_runs", "practice_lessons", "store_registrations"),
    *("online_stores", "online_hours", "online_orders", "online_shares"),
    *("counter_orders", "counter_shares", "counter_stops", "pickup_numbers", "offline_devices", "offline_orders"),
    *("tab_discounts", "line_discounts", "offer_uses", "coupons"),
    *("portions", "portion_claims", "menu_undo"),
    *("delivery_settings", "delivery_zones", "deliveries", "delivery_events", "carried_dishes"),
}


async def test_no_table_is_forgotten_when_practice_is_cleared(practising: House) -> None:
    async with practising.rooms.db.reading() as rows:
        found = await rows.value(
            """WITH RECURSIVE hangs AS (
                   SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid IN ('stores'::regclass,
                       'menus'::regclass)
                   UNION SELECT c.conrelid FROM pg_constraint AS c JOIN hangs AS h ON c.confrelid = h.conrelid
                   WHERE c.contype = 'f')
               SELECT array_agg(conrelid::regclass::text) FROM hangs"""
        )
    assert {*found, "menus"} == HANGS_ON_A_STORE


async def real_rows(house: House, *ids: str) -> dict[str, int]:
    """How many rows of each table name one of these and belong to no practice."""
    counts = {}
    async with house.rooms.db.reading() as rows:
        tables = await rows.value("SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            sql = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE ANY (%(ids)s) AND t::text NOT LIKE '%%mpr_%%'"
            counts[table] = await rows.value(sql, {"ids": [f"%{one}%" for one in ids]})
    return {table: count for table, count in counts.items() if count and table != "live_events"}


async def sell(house: House, shop: Shop) -> tuple[str, str]:
    """A table of the real store with a dish on its bill: (its sitting, its tab)."""
    now, store_id = house.clock.now(), shop.store.id
    async with house.rooms.db.transaction() as tx:
        await open_menu(tx, store_id, "USD")
        draft = SectionDraft(name="Menu", items=(ItemDraft(code="rice", name="Rice", price=300),))
        await store_menu(tx, store_id, MenuDraft(sections=(draft,)))
        table = await add_table(tx, store_id, "1", now)
        sitting = await sittings.open_for_staff(tx, store_id, table.id, now)
        (rice,) = [item for section in (await menu(tx, store_id)).sections for item in section.items]
        await ordering.add_line(tx, sitting.tab_id, rice.id, [], 1, "", "", "one")
        await ordering.send(tx, sitting.tab_id, shop.staff.id)
    return sitting.id, sitting.tab_id


async def nights(house: House, count: int) -> None:
    """Some nights pass; a worker does its chores after each."""
    for _ in range(count):
        await house.move_to(house.clock.now() + timedelta(days=1))
        await drive_due(house.rooms.db, house.rooms.watch.works(), house.clock)
    async with house.rooms.db.reading() as rows:
        assert {chore.id: chore.said for chore in await chores(rows)}["audit"] == "all is well"


async def test_what_practice_leaves_is_cleared_by_night_and_nothing_else(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    real = (shop.store.id, shop.merchant.id, *await sell(house, shop))
    stores, payments = "SELECT count(*) FROM stores WHERE merchant_id ^@ 'mpr_'", "SELECT count(*) FROM payments"
    before = await real_rows(house, *real)
    assert before["tab_lines"] == before["sittings"] == before["menu_items"] == 1

    # a payment was still running when the next lesson began: its store is left behind
    bill = (await post(shop, "/practice/lessons/never_paid/begin")).headers["location"]
    await post(shop, f"{bill}/pay", payment_code=(await coach(shop))[2], key="one")
    bill = (await post(shop, "/practice/lessons/paid/begin")).headers["location"]
    await drive_due(house.rooms.db, house.rooms.watch.works(), house.clock)
    assert await value(house, stores) == 2, "while its payment moves, it stays"
    for _ in range(12):
        await house.move_to(house.clock.now() + timedelta(seconds=5))
        await house.work()
    assert await clear_practice(house.rooms.db, house.clock.now()) == "all is well", "it was not quiet for a day"
    await nights(house, 1)
    assert await value(house, stores) == 1
    assert await real_rows(house, *real) == before

    # the lesson that waits goes on, and is passed
    assert (await post(shop, "/practice/resume")).headers["location"] == bill
    await post(shop, f"{bill}/pay", payment_code=(await coach(shop))[2], key="two")
    await post(shop, "/practice/do", what="hand_over")
    assert (await coach(shop))[0] == "passed"
    await post(shop, "/practice/leave")

    # nobody practises any more: all of it goes, but what was passed and what was booked
    await nights(house, 8)
    assert await value(house, stores) == 0
    assert await value(house, "SELECT count(*) FROM merchants WHERE id ^@ 'mpr_'") == 0
    assert await value(house, "SELECT count(*) FROM practice_runs") == 0
    assert await value(house, "SELECT count(*) FROM staff WHERE double_of IS NOT NULL") == 0
    assert await value(house, payments) == 2
    assert await real_rows(house, *real) == before
    assert 'data-lesson="paid" data-passed' in (await shop.browser.get("/practice")).text
    assert (await post(shop, "/practice/lessons/pin/begin")).status_code == 303, "and it can begin again"
    assert await value(house, stores) == 1


async def test_a_night_clears_so_much_and_leaves_the_rest_to_the_next(practising: House) -> None:
    house, shop = practising, practising.shops["MD5"]
    await post(shop, "/practice/lessons/paid/begin")
    async with house.rooms.db.transaction() as tx:
        merchant_id = await tx.value("SELECT id FROM merchants WHERE id ^@ 'mpr_'")
        for number in range(3):
            await add_store(tx, merchant_id, name=f"Left {number}", zone="Asia/Singapore")
    now = house.clock.now()
    said = [await clear_practice(house.rooms.db, now, part=2) for _ in range(3)]
    assert said == ["0 lessons, 2 stores", "0 lessons, 1 stores", "all is well"]
    assert (await coach(shop))[0] == "going", "the lesson that runs is not touched"
