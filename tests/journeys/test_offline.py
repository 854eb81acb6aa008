"""Done-when: a till cut from the server takes orders, is killed and reconnected: none is doubled, none is lost.

Real browsers with a profile on the disk; the first orders of a till are real clicks, the others the same buttons
pressed by a script. When the wire is back it first loses an order and the answers to orders the server has taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Playwright, expect, sync_playwright

from tests.journeys.conftest import House
from tests.journeys.offline_till import OfflineTill, tills

pytestmark = pytest.mark.journey
#: How many orders this browser still shows that the server has.
SENT = """new Promise((resolve) => {
  const asked = indexedDB.open("saoma-offline");
  asked.onsuccess = () => {
    const every = asked.result.transaction("queue").objectStore("queue").getAll();
    every.onsuccess = () => {
      resolve(every.result.filter((one) => one.state === "sent").length);
      asked.result.close();
    };
  };
})"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright without a browser: tills bring their own."""
    with sync_playwright() as made:
        yield made


def all_there(till: OfflineTill, count: int) -> None:
    """The books have this till's orders: each once, in its order, each with its dishes, none in trouble."""
    house, device, orders = till.house, till.device(), till.orders()
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


@pytest.fixture(scope="module")
def first(playwright: Playwright, house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineTill]:
    """A till that has worked with the server before: its day goes on through these tests."""
    with tills(playwright, house, tmp_path_factory.mktemp("first"), "theo") as (till,):
        till.prepare()
        yield till


def restarted(till: OfflineTill, waiting: int) -> None:
    """Killed and started again while the wire is still pulled: what was taken is there."""
    till.kill()
    till.start()
    till.page.goto(f"{till.origin}/till")
    expect(till.page.locator(f"#offline[data-waiting='{waiting}']")).to_be_attached()
    assert till.waiting() == waiting


def test_orders_doubled_or_lost_after_a_reconnect(first: OfflineTill) -> None:
    """The complaint by its name: 50 orders, the browser killed while they wait; an order and two answers get lost."""
    first.cut()
    first.take_by_hand(5)
    first.take_by_script(45)
    restarted(first, 50)
    first.wire.plug(losing=3)
    first.deliver()
    assert first.wire.lost == 3
    all_there(first, 50)


def test_two_tills_cut_killed_and_reconnected_at_once(
    playwright: Playwright, house: House, first: OfflineTill, tmp_path: Path
) -> None:
    """The first till stands on its desk; the second is a phone, in Chinese."""
    before = len(first.orders())
    with tills(playwright, house, tmp_path, "theo", phone=True) as (second,):
        second.prepare()
        for till in (first, second):
            till.cut()
        expect(second.page.locator("#offline [data-when=lost]")).to_contain_text("连不上服务器")
        assert second.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
        second.take_by_hand(3)
        second.take_by_script(47)
        first.take_by_script(50)
        for till in (first, second):
            restarted(till, 50)
        for till in (first, second):
            till.wire.plug(losing=2)
        for till in (first, second):
            till.deliver()
        all_there(first, before + 50)
        all_there(second, 50)
        assert first.letter() != second.letter(), "no two customers hold the same provisional number"


def test_a_new_release_replaces_the_kept_page_and_works_without_the_server(first: OfflineTill) -> None:
    if first.page.url == "about:blank":
        first.sign_in("/till")
    shells = "async () => (await caches.keys()).filter((name) => name.startsWith('saoma-offline-')).sort()"
    first.page.wait_for_function(f"async () => (await ({shells})()).length === 1")
    (old,) = first.page.evaluate(shells)
    first.wire.newer = True
    first.page.goto(f"{first.origin}/till")
    new = f"saoma-offline-{'0' * 12}"
    first.page.wait_for_function(f"async () => (await ({shells})()).join() === '{new}'")
    assert old != new
    first.page.wait_for_selector("html[data-offline=ready]", state="attached")
    first.cut()
    expect(first.page.get_by_test_id("keep")).to_be_visible()
    first.wire.plug()


def test_what_is_taken_while_practising_never_becomes_real_by_mistake(first: OfflineTill) -> None:
    first.page.goto(f"{first.origin}/till")
    first.page.goto(f"{first.origin}/practice")
    first.page.locator("form[action$='/begin'] button").first.click()
    expect(first.page.get_by_test_id("practice-band")).to_be_visible()
    first.wire.pull()
    first.page.goto(f"{first.origin}/till")
    expect(first.page.get_by_test_id("offline-practice")).to_be_visible()
    expect(first.page.get_by_test_id("keep")).to_be_hidden()
    # Real guests have come: whoever says so takes their order, and it waits until practice is over.
    first.page.get_by_test_id("take-real").click()
    known = len(first.orders())
    first.take_by_hand(1)
    first.wire.plug()
    first.page.wait_for_selector("#offline[data-state=practice][data-waiting='1']", state="attached")
    assert len(first.orders()) == known
    first.page.goto(f"{first.origin}/practice")
    first.page.get_by_test_id("leave-practice").click()
    expect(first.page.get_by_test_id("practice-band")).to_have_count(0)
    first.page.goto(f"{first.origin}/offline")
    first.deliver()
    assert len(first.orders()) == known + 1


def test_nothing_but_the_page_is_kept_and_signing_out_forgets_it(first: OfflineTill) -> None:
    if first.page.url == "about:blank":
        first.sign_in("/till")
    every = (
        "(await Promise.all((await caches.keys()).map(async (name) =>"
        " (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()"
    )
    first.page.wait_for_function(f"async () => {every}.includes('/offline')")
    kept = first.page.evaluate(f"async () => {every}")
    assert all(path == "/offline" or path.startswith(("/assets/", "/photos/")) for path in kept)
    first.page.goto(f"{first.origin}/staff")
    first.page.locator("form[action='/sign-out'] button").click()
    first.page.wait_for_url("**/sign-in")
    first.page.wait_for_function("async () => !(await caches.keys()).some((name) => name.startsWith('saoma-'))")
    first.page.wait_for_function(SENT + ".then((sent) => sent === 0)")
    first.wire.pull()
    with pytest.raises(Error, match="ERR_"):
        first.page.goto(f"{first.origin}/till")
