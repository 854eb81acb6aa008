"""How requests come to a restaurant's evening: twice at once, lost and again after others; and who sits where.

The ground of a state machine; `evening_guests` adds what guests do, `test_evening_machine` money and the kitchen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Refused
from saoma.payments.model import Payment
from saoma.restaurant import moving, sittings
from saoma.restaurant.bill import Bill
from saoma.restaurant.model import Guest, Sitting
from tests.restaurant import evening
from tests.restaurant.evening import Evening
from tests.restaurant.make import Restaurant


class Requests(RuleBasedStateMachine):
    """Two tables of one restaurant. `runner`, `db` and `clock` are set from outside and shared by all examples."""

    runner: asyncio.Runner
    db: Database
    clock: MovableClock
    house: Restaurant
    #: Whether there are connections enough for "at once".
    awake = False

    def __init__(self) -> None:
        super().__init__()
        #: what was sent, by line: the price of one piece and how many
        self.sent: dict[str, tuple[int, int]] = {}
        #: when a dish was sent, and when its course was fired
        self.sent_at: dict[str, object] = {}
        self.fired_at: dict[str, object] = {}
        #: payments that were let go once: their money is late when it comes
        self.let_go: set[str] = set()
        self.late: set[str] = set()
        #: the cases of surplus that were there before this step
        self.cases: set[str] = set()
        self.posted: list[dict[str, str]] = []
        #: the last requests, which may come again at any time, and what to note of their answers
        self.requests: list[tuple[Callable[[], Awaitable[Any]], Callable[[list[Any]], None] | None]] = []
        self.steps = 0
        self.over = False
        #: what was seen after the last step
        self.now: Evening | None = None
        self.guests: dict[tuple[int, str], Guest] = {}

    # -- how requests come ---------------------------------------------------------------------------------------

    def run(self, work: Awaitable[Any]) -> Any:
        """Do it; what is refused changes nothing, which the invariants see."""

        async def done() -> Any:
            try:
                return await work
            except Refused as refusal:
                return refusal

        return self.runner.run(done())

    def at_once(
        self,
        work: Callable[[], Awaitable[Any]],
        times: int = 2,
        then: Callable[[list[Any]], None] | None = None,
    ) -> list[Any]:
        """The same request, several times at once; the answers of those that were not refused.

        It may come again later. `then` takes note of what the answers say has happened."""
        self.requests = [*self.requests[-11:], (work, then)]
        return self._come(work, times, then)

    @rule(which=st.integers(0, 11), times=st.integers(1, 2))
    def a_request_comes_late(self, which: int, times: int) -> None:
        """A request was lost on its way, or its answer was: it comes again, after others."""
        if self.requests:
            work, then = self.requests[which % len(self.requests)]
            self._come(work, times, then)

    def _come(
        self, work: Callable[[], Awaitable[Any]], times: int, then: Callable[[list[Any]], None] | None
    ) -> list[Any]:

        async def all_of_them() -> list[Any]:
            answers = await asyncio.gather(*(work() for _ in range(times)), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException) and not isinstance(answer, Refused):
                    raise answer
            return [answer for answer in answers if not isinstance(answer, BaseException)]

        answered = self.runner.run(all_of_them())
        if then is not None:
            then(answered)
        return answered

    def within(self, work: Callable[[Transaction], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        """Work in one transaction."""

        async def in_transaction() -> Any:
            async with self.db.transaction() as tx:
                return await work(tx)

        return in_transaction

    # -- who is where --------------------------------------------------------------------------------------------

    async def sitting_of(self, guest: Guest) -> Sitting:
        """Where a guest's bill is now."""
        async with self.db.reading() as rows:
            joined = await rows.value("SELECT sitting_id FROM guests WHERE id = %(id)s", {"id": guest.id})
            return await sittings.sitting(rows, await moving.lives_on(rows, joined))

    async def sits(self, table: int, who: str) -> tuple[Sitting, Guest | None]:
        """Whoever scans a table, or staff who open it."""
        of, at = self.house, self.house.tables[table]
        async with self.db.transaction() as tx:
            if who == "staff":
                return await sittings.open_for_staff(tx, of.store_id, at.id, self.clock.now()), None
            known = self.guests.get((table, who))
            buyer = who if who != "somebody" else None
            sitting, guest = await sittings.join(
                tx, at.code, buyer, "", self.clock.now(), known.id if known and buyer is None else None
            )
        self.guests[table, who] = guest
        return sitting, guest

    def open_bill(self, table: int) -> Sitting | None:
        """The open sitting of a table."""
        at = self.house.tables[table].id
        every = (one.sitting for one in self.seen().tables)
        return next((one for one in every if one.table_id == at and one.is_open), None)

    def bill(self, sitting: Sitting) -> Bill:
        """The bill of a sitting."""
        return self.seen().bill_of(sitting)

    def seen(self) -> Evening:
        """The whole evening as it was after the last step."""
        return self.now if self.now is not None else self.look()

    def look(self) -> Evening:
        """The whole evening as it is."""

        async def look() -> Evening:
            async with self.db.reading() as rows:
                return await evening.seen(self.house, rows)

        self.now = self.runner.run(look())
        return self.now

    def payment(self, which: int) -> Payment | None:
        """One of the latest payments."""
        every = sorted(self.seen().payments, key=lambda one: one.created_at, reverse=True)
        return every[which % len(every)] if every else None
