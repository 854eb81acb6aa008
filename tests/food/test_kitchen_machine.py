"""Any evening in a kitchen: several tables, stations and courses, presses repeated and reordered at will.

What must hold after each step: a dish is on exactly one ticket from firing to serving, is begun once, and the all-day
counts are the dishes that are still to be made."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.prep_facts import forecasts
from saoma.food.model import LINE, LineEvent, LineStatus, Menu
from saoma.food.orders import courses, ordering
from saoma.food.orders.courses import Course, Hold, Staged, must_wait, next_course
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict
from saoma.kit.ids import new_id
from tests.food.make import STORE, choices, dish, open_tab, sent, wake
from tests.food.test_courses import three_courses
from tests.machines import play

CODES = st.lists(st.sampled_from(["beef", "plain", "tea", "secret"]), min_size=1, max_size=4)
COURSES = {"beef": Course.STARTER, "plain": Course.MAIN, "secret": Course.DESSERT, "tea": Course.DRINKS}
OPEN = (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY)


@dataclass
class Dish:
    """What the model knows of a line."""

    code: str
    tab: str
    round: int
    hold: Hold = Hold.FIRED
    firing: int = 0
    status: LineStatus = LineStatus.SENT
    begun: int = 0


class Evening(RuleBasedStateMachine):
    """The kitchen of the noodle house against a model. `runner` and `db` are shared by all examples."""

    runner: asyncio.Runner
    db: Database

    def __init__(self) -> None:
        super().__init__()
        self.dishes: dict[str, Dish] = {}
        self.tabs: list[str] = []
        self.rounds: Counter[str] = Counter()

    def do(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Work in one transaction."""

        async def in_transaction() -> Any:
            async with self.db.transaction() as tx:
                return await work(tx)

        return self.runner.run(in_transaction())

    def of(self, tab: str) -> list[Dish]:
        """The dishes of a table."""
        return [each for each in self.dishes.values() if each.tab == tab]

    def under_way(self, tab: str) -> list[Staged]:
        """What is not served yet."""
        return [Staged(course=COURSES[each.code], hold=each.hold) for each in self.of(tab) if each.status in OPEN]

    def fire_model(self, tab: str, course: Course, holds: tuple[Hold, ...]) -> int:
        """What firing does in the model."""
        number = 1 + max(each.firing for each in self.of(tab))
        fired = [
            each
            for each in self.of(tab)
            if COURSES[each.code] == course and each.status is LineStatus.SENT and each.hold in holds
        ]
        for each in fired:
            each.hold, each.firing = Hold.FIRED, number
        return len(fired)

    def turn(self, tab: str) -> None:
        """The next course comes by itself."""
        if course := next_course(self.under_way(tab)):
            self.fire_model(tab, course, (Hold.COURSE,))

    @initialize(firing=st.sampled_from(["automatic", "person"]))
    def open_the_house(self, firing: str) -> None:
        """A fresh evening with two tables; what an earlier example left is gone."""

        async def fresh() -> tuple[Menu, list[str]]:
            await wake(self.db, 2)
            async with self.db.transaction() as tx:
                await tx.run("TRUNCATE tabs, menus, stations CASCADE")
            shown = await three_courses(self.db, firing)
            return shown, [(await open_tab(self.db, label=label)).id for label in "AB"]

        self.firing = firing
        self.menu, self.tabs = self.runner.run(fresh())

    @rule(which=st.integers(0, 1), codes=CODES)
    def order(self, which: int, codes: list[str]) -> None:
        """A table sends a round; the press comes twice at once, as after a reconnect."""
        tab = self.tabs[which]

        async def both() -> list[Any]:
            async with self.db.transaction() as tx:
                at = await ordering.tab(tx, tab)
                for code in codes:
                    item = dish(self.menu, code)
                    chosen = choices(item, "Regular")
                    await ordering.add_line(tx, tab, item.id, chosen, 1, "guest_a", "", new_id("key"))
            return [line for some in await asyncio.gather(sent(self.db, at), sent(self.db, at)) for line in some]

        lines = self.runner.run(both())
        assert len(lines) == len(codes)
        self.rounds[tab] += 1
        names = {dish(self.menu, code).id: code for code in COURSES}
        courses_now = [each.course for each in self.under_way(tab)] + [COURSES[code] for code in codes]
        for line in lines:
            code = names[line.item_id]
            waits = must_wait(COURSES[code], courses_now)
            hold = (Hold.COURSE if self.firing == "automatic" else Hold.HAND) if waits else Hold.FIRED
            self.dishes[line.id] = Dish(code, tab, self.rounds[tab], hold)

    @precondition(lambda self: self.dishes)
    @rule(data=st.data(), seen=st.sampled_from((*OPEN, LineStatus.SERVED)), back=st.booleans(), twice=st.booleans())
    def press_a_ticket(self, data: st.DataObject, seen: LineStatus, back: bool, twice: bool) -> None:  # noqa: FBT001
        """A bump or a recall of a ticket in whatever state a screen believes it to be, perhaps on two screens."""
        one = self.dishes[data.draw(st.sampled_from(sorted(self.dishes)))]
        firing = data.draw(st.sampled_from([one.firing, one.firing, 0, 1]))
        event = LineEvent.RECALL if back else kitchen.BUMP.get(seen, LineEvent.SERVE)
        move = kitchen.recall if back else kitchen.bump
        expected = [
            each
            for each in self.of(one.tab)
            if (each.round, each.firing, each.status, each.hold) == (one.round, firing, seen, Hold.FIRED)
        ]

        async def press() -> int:
            async with self.db.transaction() as tx:
                return await move(tx, STORE, one.tab, one.round, seen, None, firing)

        async def presses() -> list[int]:
            return list(await asyncio.gather(*(press() for _ in range(2 if twice else 1))))

        try:
            assert sum(self.runner.run(presses())) == len(expected)
        except Conflict:
            assert not LINE.allows(seen, event)
            return
        self.moved(expected, event)

    @precondition(lambda self: self.dishes)
    @rule(data=st.data(), seen=st.sampled_from(OPEN))
    def press_a_dish(self, data: st.DataObject, seen: LineStatus) -> None:
        """One dish runs ahead."""
        line_id = data.draw(st.sampled_from(sorted(self.dishes)))
        one = self.dishes[line_id]
        moves = one.status is seen and one.hold is Hold.FIRED
        assert self.do(lambda tx: kitchen.bump_line(tx, STORE, line_id, seen)) == moves
        self.moved([one] if moves else [], kitchen.BUMP[seen])

    def moved(self, which: list[Dish], event: LineEvent) -> None:
        """What a press does in the model."""
        for each in which:
            each.begun += event is LineEvent.START
            each.begun -= event is LineEvent.RECALL and each.status is LineStatus.COOKING
            each.status = LINE.next(each.status, event)
        if which and event is LineEvent.SERVE:
            self.turn(which[0].tab)

    @rule(which=st.integers(0, 1), course=st.sampled_from(Course), what=st.sampled_from(["fire", "hold", "serve"]))
    def press_at_the_pass(self, which: int, course: Course, what: str) -> None:
        """The expeditor fires a course, holds one, or sends out what is ready of it."""
        tab = self.tabs[which]
        mine = [each for each in self.of(tab) if COURSES[each.code] == course]
        if what == "fire":
            fired = self.do(lambda tx: courses.fire(tx, STORE, tab, course))
            assert fired == (self.fire_model(tab, course, (Hold.COURSE, Hold.HAND)) if mine else 0)
            assert self.do(lambda tx: courses.fire(tx, STORE, tab, course)) == 0
        elif what == "hold":
            held = [each for each in mine if each.status is LineStatus.SENT and each.hold is not Hold.HAND]
            assert self.do(lambda tx: courses.hold(tx, STORE, tab, course)) == len(held)
            for each in held:
                each.hold = Hold.HAND
        else:
            ready = [each for each in mine if each.status is LineStatus.READY]
            assert self.do(lambda tx: kitchen.serve_course(tx, STORE, tab, course)) == len(ready)
            self.moved(ready, LineEvent.SERVE)

    @precondition(lambda self: self.dishes)
    @rule(data=st.data())
    def strike(self, data: st.DataObject) -> None:
        """A waiter voids a dish, twice."""
        line_id = data.draw(st.sampled_from(sorted(self.dishes)))
        one = self.dishes[line_id]
        for _ in range(2):
            self.do(lambda tx: ordering.void_line(tx, line_id, "waiter", "spilled"))
        if one.status is not LineStatus.VOID:
            one.status = LineStatus.VOID
            self.turn(one.tab)

    @invariant()
    def the_screens_show_what_is_so(self) -> None:
        """Board, counts and forecasts, as they are read at one moment."""
        if not self.tabs:
            return

        async def read(tx: Transaction) -> tuple[list[kitchen.Ticket], list[kitchen.Count], set[str]]:
            counts = await kitchen.all_day(tx, STORE)
            return await kitchen.tickets(tx, STORE), counts, set(await forecasts(tx, STORE))

        tickets, counts, told = self.do(read)
        self.every_fired_dish_is_on_one_ticket_and_nothing_held_is(tickets)
        self.the_counts_are_the_dishes_still_to_be_made(counts, told)

    def every_fired_dish_is_on_one_ticket_and_nothing_held_is(self, tickets: list[kitchen.Ticket]) -> None:
        """Struck ones stay in sight for a while, and served ones as long as their ticket."""
        shown = Counter(line.id for ticket in tickets for line in ticket.lines)
        fired = {line_id for line_id, each in self.dishes.items() if each.status in OPEN and each.hold is Hold.FIRED}
        assert set(shown.values()) <= {1}
        assert fired <= set(shown)
        assert all(self.dishes[line_id].hold is Hold.FIRED for line_id in shown)
        for ticket in tickets:
            for line in ticket.lines:
                one = self.dishes[line.id]
                assert (line.status, line.round, line.firing) == (one.status, one.round, one.firing)
        assert len({ticket.id for ticket in tickets}) == len(tickets)

    def the_counts_are_the_dishes_still_to_be_made(self, counts: list[kitchen.Count], told: set[str]) -> None:
        """Those of later courses apart; and every one that was fired has a forecast."""
        making = {
            line_id: each
            for line_id, each in self.dishes.items()
            if each.status in (LineStatus.SENT, LineStatus.COOKING)
        }
        assert {count.item_id: (count.quantity, count.later) for count in counts} == {
            dish(self.menu, code).id: (
                sum(each.code == code and each.hold is Hold.FIRED for each in making.values()),
                sum(each.code == code and each.hold is not Hold.FIRED for each in making.values()),
            )
            for code in {each.code for each in making.values()}
        }
        assert told == {line_id for line_id, each in making.items() if each.hold is Hold.FIRED}

    @invariant()
    def each_dish_is_begun_once(self) -> None:
        """And the times say so: begun means cooking or further."""
        for each in self.dishes.values():
            assert each.begun <= 1
            assert each.status is LineStatus.VOID or each.begun == (each.status is not LineStatus.SENT)


def test_any_evening_in_the_kitchen_cooks_each_fired_dish_once(database_url: str) -> None:
    play(Evening, database_url, examples=7, steps=20)
