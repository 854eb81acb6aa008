"""Orders taken without the server, sent to it: lost answers, repeats, the wrong order, two devices, a kill between.

None is doubled, none is lost, each device's stay in their order; what can't be ordered as it was waits for a person."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from saoma.fastfood.offline import CounterOrders
from saoma.food.menus.menu import set_sold_out
from saoma.food.model import Menu, Section
from saoma.food.orders import offline
from saoma.food.orders.offline import Landed, OfflineOrder
from saoma.food.orders.offline_content import Content, examine, read
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.money import Money
from saoma.restaurant import moving, sittings
from saoma.restaurant.offline import TableOrders
from tests.food import make as food
from tests.identity import make as identity
from tests.restaurant.make import BEN, Restaurant, restaurant

REPLAYERS = {"table": TableOrders(), "counter": CounterOrders()}


@dataclass
class Till:
    """A browser that takes orders while it hears nothing of the server."""

    of: Restaurant
    staff: Staff
    id: str
    taken: list[bytes] = field(default_factory=list)

    def takes(self, code: str = "tea", kind: str = "counter", **changes: Any) -> bytes:
        """Write an order down; what will be sent of it, again and again the same."""
        item, seq = self.of.dish(code), len(self.taken) + 1
        options = food.choices(item, "Regular")
        line = {"item": item.id, "name": item.name, "name_zh": item.name_zh, "options": options, "unit": item.price}
        table = self.of.tables[0]
        told: dict[str, Any] = {
            "device": self.id,
            "seq": seq,
            "key": f"{self.id}-{seq}-key",
            "kind": kind,
            "place": table.id if kind == "table" else "",
            "place_name": table.name if kind == "table" else "",
            "label": f"A-{seq}",
            "taken_by": self.staff.id,
            "taken_at": self.of.clock.now().isoformat(),
            "currency": "USD",
            "lines": [{**line, "quantity": 1, "note": f"{self.id} {seq}", **changes.pop("line", {})}],
            **changes,
        }
        self.taken.append(json.dumps(told).encode())
        return self.taken[-1]

    async def sends(self, body: bytes, replayers: offline.Replayers = REPLAYERS) -> OfflineOrder:
        """One request."""
        return await offline.receive(self.of.db, self.of.clock, replayers, self.of.store_id, self.staff, read(body))


class Killed(BaseException):
    """The process is gone."""


class Dying(CounterOrders):
    """A replayer whose process is killed in the middle of its transaction."""

    async def put(self, *args: Any, **given: Any) -> Landed:
        """Half done."""
        await super().put(*args, **given)
        raise Killed


async def till(of: Restaurant, name: str = "dev_aaaa1111", begins: int = 1) -> Till:
    """A device with somebody at it, known to the server."""
    person = await identity.staff(of.db, of.shop, Role.WAITER)
    async with of.db.transaction() as tx:
        await offline.register(tx, of.store_id, name, "", begins, of.clock.now())
    return Till(of, person, name)


async def notes(of: Restaurant) -> list[str]:
    """What stands on the store's dishes, in the order they were ordered."""
    async with of.db.reading() as rows:
        found = await rows.value(
            "SELECT array_agg(note ORDER BY created_at, id) FROM tab_lines WHERE store_id = %(store)s",
            {"store": of.store_id},
        )
    return list(found or [])


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Restaurant:
    """A noodle house with tables and a counter."""
    return await restaurant(database, clock)


async def test_orders_are_neither_doubled_nor_lost_after_a_reconnect(shop: Restaurant) -> None:
    one = await till(shop)
    for _ in range(4):
        one.takes()
    first = await one.sends(one.taken[0])
    assert first.state == "replayed" and first.landed_label.startswith("#")
    # the third overtakes the second: it waits for it, and comes out behind it
    assert (await one.sends(one.taken[2])).state == "waiting"
    again, at_once = await asyncio.gather(one.sends(one.taken[1]), one.sends(one.taken[1]))
    assert again == at_once and again.state == "replayed"
    assert (await one.sends(one.taken[2])).state == "replayed"
    assert await one.sends(one.taken[0]) == first, "a lost answer is given again"
    await one.sends(one.taken[3])
    assert await notes(shop) == [f"{one.id} {number}" for number in (1, 2, 3, 4)]


async def test_other_content_under_the_same_number_or_key_is_a_conflict(shop: Restaurant) -> None:
    one = await till(shop)
    await one.sends(one.takes())
    other = json.loads(one.taken[0])
    other["lines"][0]["quantity"] = 2
    with pytest.raises(Conflict):
        await one.sends(json.dumps(other).encode())
    with pytest.raises(Conflict):
        await one.sends(json.dumps(json.loads(one.taken[0]) | {"seq": 2}).encode())
    assert len(await notes(shop)) == 1


async def test_a_device_of_another_store_is_unknown_and_its_letters_count_up(shop: Restaurant) -> None:
    one = await till(shop)
    async with shop.db.transaction() as tx:
        second = await offline.register(tx, shop.store_id, "dev_bbbb2222", "", 7, shop.clock.now())
        assert await offline.register(tx, shop.store_id, "dev_bbbb2222", "", 1, shop.clock.now()) == second
    assert (second.letter, second.last_seq) == ("B", 6), "what it sent to a server before is not waited for"
    assert [offline.Device(id="", store_id="", number=n, last_seq=0).letter for n in (26, 27, 703)] == [
        "Z",
        "AA",
        "AAA",
    ]
    other = await identity.shop(shop.db)
    with pytest.raises(NotFound):
        await offline.receive(shop.db, shop.clock, REPLAYERS, other.store.id, one.staff, read(one.takes()))
    async with shop.db.transaction() as tx:
        with pytest.raises(NotFound):
            await offline.register(tx, other.store.id, one.id, "", 1, shop.clock.now())


async def test_a_device_that_sends_nonsense_fills_no_books_and_breaks_no_page(
    shop: Restaurant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "MOST_BEHIND_A_GAP", 3)
    monkeypatch.setattr(offline, "MOST_SHOWN", 2)
    one = await till(shop)
    for _ in range(6):
        one.takes()
    for body in one.taken[1:4]:
        assert (await one.sends(body)).state == "waiting"
    with pytest.raises(Invalid):
        await one.sends(one.taken[4])
    async with shop.db.reading() as rows:
        assert len(await offline.in_trouble(rows, shop.store_id)) == 2
        assert await offline.count_in_trouble(rows, shop.store_id) == 3
    # What was missing comes: they all go, and so does what was refused meanwhile.
    for number in (0, 4, 5):
        assert (await one.sends(one.taken[number])).state == "replayed"
    assert await notes(shop) == [f"{one.id} {number}" for number in range(1, 7)]
    # A clock that was never set is no reason to lose an order, and no date that nobody can read.
    for wrong in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        old = await one.sends(one.takes(taken_at=wrong))
        assert old.state == "replayed" and timedelta(0) <= shop.clock.now() - old.taken_at <= offline.OLDEST


async def test_a_table_order_is_fired_once_and_leaves_a_colleagues_choice_alone(shop: Restaurant) -> None:
    one = await till(shop)
    async with shop.db.transaction() as tx:
        here = await sittings.open_for_staff(tx, shop.store_id, shop.tables[0].id, shop.clock.now())
        await sittings.ordering.add_line(tx, here.tab_id, shop.dish("plain").id, [], 1, "", "", "half a choice")
    for _ in range(2):
        landed = (
            await one.sends(one.takes(kind="table", seen=here.id)) if not one.taken else await one.sends(one.taken[0])
        )
    assert (landed.landed_id, landed.landed_label) == (here.id, "1")
    async with shop.db.reading() as rows:
        lines = await sittings.ordering.lines(rows, here.tab_id)
    assert [(line.name, line.status.value, line.guest_id, line.round) for line in lines] == [
        ("Plain noodles", "basket", "", None),
        ("Jasmine tea", "sent", "", 1),
    ]
    assert str((await shop.bill(here)).left) == "2.00 USD"


async def test_an_order_taken_offline_follows_a_table_that_was_moved_and_put_together(shop: Restaurant) -> None:
    one = await till(shop)
    sitting, _ = await shop.sit(table=0)
    other, _ = await shop.sit(BEN, table=1)
    first, second = one.takes(kind="table", seen=sitting.id), one.takes(kind="table", seen=sitting.id)
    async with shop.db.transaction() as tx:
        await moving.move(tx, shop.store_id, sitting.id, shop.tables[2].id)
    assert (await one.sends(first)).landed_id == sitting.id
    async with shop.db.transaction() as tx:
        await moving.merge(tx, shop.store_id, sitting.id, other.id, shop.clock.now(), "someone")
    assert (await one.sends(second)).landed_id == other.id
    assert (await shop.bill(other)).left == Money.parse("4.00", "USD")


@pytest.mark.parametrize("what", ["sold out", "dearer", "gone", "choices", "closed", "no table"])
async def test_what_can_not_be_ordered_as_it_was_waits_for_a_person_and_holds_nobody_up(
    shop: Restaurant, what: str
) -> None:
    one = await till(shop)
    tea = shop.dish("tea")
    seen = ""
    if what == "closed":
        async with shop.db.transaction() as tx:
            gone = await sittings.open_for_staff(tx, shop.store_id, shop.tables[0].id, shop.clock.now())
            await sittings.close(tx, gone.id, shop.clock.now(), "kai")
            seen = gone.id
    if what == "sold out":
        async with shop.db.transaction() as tx:
            await set_sold_out(tx, tea.id, sold_out=True)
    changes: dict[str, Any] = {
        "dearer": {"line": {"unit": 150}},
        "gone": {"line": {"item": "itm_nothing"}},
        "choices": {"line": {"options": ["opt_nothing"]}},
        "no table": {"place": "tbl_nothing"},
    }.get(what, {})
    stuck = await one.sends(one.takes(kind="table", seen=seen, **changes))
    assert stuck.state == "trouble" and stuck.why and stuck.why_zh
    assert (await one.sends(one.takes("plain"))).state == "replayed", "the next one does not wait for it"
    assert await notes(shop) == [f"{one.id} 2"], "nothing of it is left behind"
    async with shop.db.reading() as rows:
        assert [each.id for each in await offline.in_trouble(rows, shop.store_id)] == [stuck.id]

    async def anew() -> OfflineOrder:
        async with shop.db.transaction() as tx:
            return await offline.order_anew(tx, REPLAYERS, shop.store_id, stuck.id, one.staff.id, shop.clock.now())

    if what in ("dearer", "closed"):
        done = await anew()
        assert done.state == "replayed" and len(await notes(shop)) == 2
        with pytest.raises(Conflict):
            await anew()
    else:
        with pytest.raises((Conflict, NotFound)):
            await anew()
        async with shop.db.transaction() as tx:
            with pytest.raises(Invalid):
                await offline.drop(tx, shop.store_id, stuck.id, one.staff.id, " ", shop.clock.now())
            await offline.drop(tx, shop.store_id, stuck.id, one.staff.id, "they left", shop.clock.now())
    async with shop.db.reading() as rows:
        assert await offline.count_in_trouble(rows, shop.store_id) == 0
    assert (await one.sends(one.taken[0])).state in ("replayed", "dropped"), "a late repeat changes nothing"


def test_what_no_device_writes_is_refused_and_stray_letters_are_cleaned() -> None:
    good = {
        "device": "dev_aaaa1111",
        "seq": 1,
        "key": "key_11111111",
        "kind": "counter",
        "taken_at": "2026-03-02T04:00:00Z",
    }
    line = {"item": "itm_1", "note": "no\x00 onions\n please", "unit": 100}
    assert read(json.dumps(good | {"lines": [line]}).encode()).lines[0].note == "no onions please"
    for bad in (b"", b"[]", b"\xff", *(json.dumps(good | {"lines": [line]} | wrong).encode() for wrong in _WRONG)):
        with pytest.raises(Invalid):
            read(bad)


_WRONG: list[dict[str, Any]] = [
    {"lines": []},
    {"seq": 0},
    {"seq": "1"},
    {"device": "'; --"},
    {"taken_at": "2026-03-02T04:00:00"},
    {"key": ""},
    {"lines": [{"item": "itm_1", "unit": 10**30}]},
    {"lines": [{"item": "itm_1"}] * 201},
    {"lines": [{"item": "itm_1", "options": ["o"] * 61}]},
]


def test_each_dish_says_what_is_wrong_with_it() -> None:
    sold_out = food.item("Soup", 500, sold_out=True)
    noodles = food.item("Noodles", 900, [food.group([food.option("Large", 150)], least=1)])
    section = Section(id="s", name="All", items=(noodles, sold_out))
    card = Menu(store_id="s", currency="USD", version="1", sections=(section,))
    lines = [
        {"item": noodles.id, "name": "Noodles", "options": ["option_Large"], "unit": 1050},
        {"item": noodles.id, "name": "Noodles", "options": [], "unit": 900},
        {"item": noodles.id, "name": "Noodles", "options": ["option_Large"], "unit": 900},
        {"item": sold_out.id, "name": "Soup", "unit": 500},
        {"item": "item_gone", "name": "Pie", "unit": 500},
        {"item": noodles.id, "name": "Noodles", "options": ["option_Large"], "unit": 1050, "quantity": 100},
    ]
    content: Content = read(
        json.dumps(
            {"device": "dev_aaaa1111", "seq": 1, "key": "key_11111111", "kind": "counter", "lines": lines}
            | {"taken_at": "2026-03-02T04:00:00Z"}
        ).encode()
    )
    found = examine(content, card)
    assert [one.as_it_was for one in found] == [True, False, False, False, False, False]
    assert [one.unit is not None for one in found] == [True, False, True, False, False, False]
    assert "now costs 10.50" in str(found[2].problem) and "sold out" in str(found[3].problem)


class Queues(RuleBasedStateMachine):
    """Two devices whose requests come late, twice, out of order; answers are lost, the server is killed."""

    runner: asyncio.Runner
    db: Database
    clock: MovableClock

    @initialize()
    def opens(self) -> None:
        """A shop and two devices."""

        async def fresh() -> list[Till]:
            of = await restaurant(self.db, self.clock, tables=1)
            ids = [f"dev_{number}_{of.store_id[-12:]}" for number in (1, 2)]
            return [await till(of, name) for name in ids]

        self.tills = self.runner.run(fresh())
        self.of = self.tills[0].of

    @rule(
        who=st.integers(0, 1),
        kind=st.sampled_from(["counter", "table"]),
        code=st.sampled_from(["tea", "plain", "beef"]),
    )
    def takes(self, who: int, kind: str, code: str) -> None:
        """An order is written down; it need not arrive soon."""
        self.tills[who].takes(code, kind)

    @rule(who=st.integers(0, 1), number=st.integers(0, 6), twice=st.booleans())
    def arrives(self, *, who: int, number: int, twice: bool) -> None:
        """Any of its orders arrives, again or for the first time, before or after its neighbours."""
        one = self.tills[who]
        if not one.taken:
            return
        body = one.taken[number % len(one.taken)]

        async def both() -> None:
            await asyncio.gather(*(one.sends(body) for _ in range(2 if twice else 1)))

        self.runner.run(both())

    @rule(who=st.integers(0, 1), number=st.integers(0, 6))
    def is_killed_between(self, who: int, number: int) -> None:
        """The row is committed and the process dies before it replays: the next request finds it."""
        one = self.tills[who]
        if not one.taken:
            return
        body = one.taken[number % len(one.taken)]

        async def arrive() -> None:
            with contextlib.suppress(Killed):
                await one.sends(body, {"table": Dying(), "counter": Dying()})

        self.runner.run(arrive())

    @invariant()
    def each_is_ordered_at_most_once_and_in_order(self) -> None:
        """What stands on the dishes is a beginning of each device's own queue."""
        if not hasattr(self, "tills"):
            return
        seen = self.runner.run(notes(self.of))
        for one in self.tills:
            mine = [note for note in seen if note.startswith(one.id)]
            assert mine == [f"{one.id} {number}" for number in range(1, len(mine) + 1)]

    def teardown(self) -> None:
        """In the end each device sends what it has, in order; then all of it is there."""

        async def rest() -> None:
            for one in self.tills:
                for body in one.taken:
                    assert (await one.sends(body)).state == "replayed"

        if hasattr(self, "tills"):
            self.runner.run(rest())
            self.each_is_ordered_at_most_once_and_in_order()
            assert len(self.runner.run(notes(self.of))) == sum(len(one.taken) for one in self.tills)


def test_whatever_the_network_does_each_order_is_taken_once_and_in_order(
    database_url: str, clock: MovableClock
) -> None:
    with asyncio.Runner() as runner:
        db = runner.run(Database.open(database_url, max_size=4))
        machine = type("Machine", (Queues,), {"runner": runner, "db": db, "clock": clock})
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                machine,
                settings=settings(
                    max_examples=25, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            runner.run(db.close())
