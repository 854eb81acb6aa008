"""Done-when: a till cut from the server takes orders, is killed and reconnected: none is doubled, none is lost.

Real browsers with a profile on the disk; the first ten orders of a till are real clicks, the others the same buttons
pressed by a script. When the wire is back it first loses the answers to three orders that the server has taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect, sync_playwright

from tests.journeys.conftest import House
from tests.journeys.offline_till import OfflineTill, tills

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright without a browser: tills bring their own."""
    with sync_playwright() as made:
        yield made


def all_there(house: House, till: OfflineTill, count: int) -> None:
    """The books have this till's orders: each once, in its order, each with its dishes, none in trouble."""
    (device,) = till.devices()
    orders = house.query(
        "SELECT seq::int, state, kind, landed_id, jsonb_array_length(content -> 'lines') FROM offline_orders"
        " WHERE device_id = %s ORDER BY settled_at, seq",
        device,
    )
    assert [(seq, state) for seq, state, *_ in orders] == [(seq, "replayed") for seq in range(1, count + 1)]
    # What the kitchen and the counter have: the dishes of each order once, in the order in which they were taken.
    lines = house.query(
        "SELECT split_part(key, '.', 2)::int, split_part(key, '.', 3)::int FROM tab_lines"
        " WHERE split_part(key, '.', 1) = %s AND status <> 'void' ORDER BY created_at, id",
        device,
    )
    assert lines == [(seq, dish) for seq, *_, dishes in orders for dish in range(1, dishes + 1)]
    counter = {landed for *_, kind, landed, _ in orders if kind == "counter"}
    assert len(counter) == sum(kind == "counter" for _, _, kind, _, _ in orders), "each has a number of its own"
    fired = house.query(
        "SELECT count(DISTINCT (l.tab_id, l.round)) FROM tab_lines l WHERE split_part(l.key, '.', 1) = %s"
        " AND l.round IS NOT NULL",
        device,
    )
    assert fired == [(count - len(counter),)], (
        "each table's order is one round, fired once; the counter's wait for money"
    )


def test_orders_doubled_or_lost_after_a_reconnect(playwright: Playwright, house: House, tmp_path: Path) -> None:
    """The complaint by its name: 50 orders, the browser killed while it still waits, three answers lost."""
    with tills(playwright, house, tmp_path, "kai") as (till,):
        till.prepare()
        till.cut()
        till.take_by_hand(10)
        till.take_by_script(40)
        assert till.waiting() == 50
        till.kill()
        till.start()
        till.page.goto(f"{till.origin}/till")
        expect(till.page.get_by_test_id("waiting")).to_contain_text("50")
        till.wire.plug(losing=3)
        till.deliver()
        assert till.wire.lost == 3
        all_there(house, till, 50)
        # Nothing but the page, its files and photos of dishes was ever kept.
        kept = till.page.evaluate(
            "async () => (await Promise.all((await caches.keys()).map(async (name) =>"
            " (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()"
        )
        assert "/offline" in kept
        assert all(path == "/offline" or path.startswith(("/assets/", "/photos/")) for path in kept)
        # Signing out forgets the page and what the shop sells, never an order.
        till.page.goto(f"{till.origin}/staff")
        till.page.locator("form[action='/sign-out'] button").click()
        till.page.wait_for_url("**/sign-in")
        till.page.wait_for_function("async () => !(await caches.keys()).some((name) => name.startsWith('saoma-'))")
        till.wire.pull()
        with pytest.raises(Exception, match="ERR_"):
            till.page.goto(f"{till.origin}/till")


def test_two_tills_cut_killed_and_reconnected_at_once(playwright: Playwright, house: House, tmp_path: Path) -> None:
    with tills(playwright, house, tmp_path, "kai", "mei") as both:
        for till in both:
            till.prepare()
            till.cut()
            till.take_by_hand(1)
            till.take_by_script(49)
        for till in both:
            till.kill()
        for till in both:
            till.start()
            till.page.goto(f"{till.origin}/till")
        for till in both:
            assert till.waiting() == 50
            till.wire.plug(losing=3)
        for till in both:
            till.deliver()
        for till in both:
            all_there(house, till, 50)
        devices = [till.devices()[0] for till in both]
        letters = house.query(
            "SELECT DISTINCT split_part(label, '-', 1) FROM offline_orders WHERE device_id = ANY(%s)", devices
        )
        assert len(letters) == 2, "no two customers hold the same provisional number"
