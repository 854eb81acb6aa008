"""One world: processes of ours, an Alipay, the road between them, and time. What people do in it is in `shop`.

Time moves in one place; whoever could act at a moment acts in a fixed order, so a seed tells the whole story."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from psycopg import Connection
from psycopg.rows import DictRow

from saoma.alipay.wire import parse_form
from saoma.kit.clock import beijing
from saoma.kit.due import DueWork, drive_due
from saoma.kit.errors import Refused
from saoma.payments.payments import Payments
from saoma.sandbox.notices import Notice
from tests.simulation import tabs
from tests.simulation.alipay import OURS, Alipay, Wire
from tests.simulation.database import ProcessDatabase, ProcessDied
from tests.simulation.network import Network
from tests.simulation.planted import NOTHING, Planted
from tests.simulation.tabs import Tabs
from tests.simulation.time import Chance, WorldClock, WorldLoop
from tests.simulation.verdict import Breach, Seen, at_any_time, due, seen

T = TypeVar("T")

#: So often one notification may go astray; Alipay's eighth try is always heard of.
_LOSSES: Final = 3
_HEARS_NOTHING: Final = 15.0
#: More looks than this in one go, and nothing will ever come to rest.
_MOST_LOOKS: Final = 600
_MOMENT: Final = timedelta(milliseconds=1)
_MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class Process:
    """One process of ours: nothing is shared with the others but the database and the world."""

    name: str
    db: ProcessDatabase
    wire: Wire
    payments: Payments
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


class World:
    """A shop, its processes and its Alipay. `seed` decides everything; `run` only makes ids differ."""

    def __init__(
        self, loop: WorldLoop, connection: Connection[DictRow], seed: int, planted: Planted = NOTHING, run: int = 0
    ) -> None:
        self.loop = loop
        self.connection = connection
        self.planted = planted
        self.dice = random.Random(f"{seed}:world")
        self.story: list[tuple[datetime, str]] = []
        self.troubles: list[str] = []
        self.clock = WorldClock(_MONDAY + timedelta(seconds=self._first_second()))
        self.chance = Chance(f"{seed}:{run}:ids", self.clock)
        name = f"{seed}_{run}" if run else f"{seed}"
        self.account_id, self.merchant_id, self.store_id = f"acc_{name}", f"mer_{name}", f"sto_{name}"
        self.network = Network(self.clock, random.Random(f"{seed}:network"), self.say)
        self.alipay = self.network.alipay = Alipay(self.clock, self._post)
        self.posted: list[bytes] = []
        self._losses: dict[str, int] = {}
        self._born = self._deaths = 0
        self.open = True
        self.workers_awake = True
        self.processes = {name: self._begin(name) for name in ("till", "worker", "other")}
        self.eye = ProcessDatabase(connection, lambda: None)
        self.payments: list[Seen] = []
        #: What a person ruled without waiting for the truth; see `verdict`.
        self.hasty: set[str] = set()

    def _first_second(self) -> float:
        if self.dice.random() < 0.3:
            # shortly before midnight in Beijing, where the day of a cancel ends
            return 16 * 3600 - self.dice.uniform(0, 400)
        return self.dice.uniform(0, 86400)

    def say(self, text: str) -> None:
        """Write a line of the story."""
        self.story.append((self.clock.now(), text))

    def told(self) -> str:
        """The story so far, a line each."""
        return "\n".join(f"{beijing(at):%d %H:%M:%S.%f}"[:-3] + f"  {text}" for at, text in self.story)

    # --- processes --------------------------------------------------------------------------------------------------

    def _begin(self, name: str) -> Process:
        self._born += 1
        db = ProcessDatabase(self.connection, lambda: self._bury(name))
        wire = Wire(self.clock, self.network, db.live)
        gateway = self.planted.gateway(self.planted.account(OURS), wire, self.clock)
        payments = Payments(
            db,
            self.clock,
            {self.account_id: gateway},
            {tabs.KIND: Tabs(strict=self.planted.strict_tabs)},
            lambda account: f"http://till.localhost/alipay/notify/{account}",
            jitter=self.dice.random,
        )
        self.planted.plant(payments)
        return Process(name, db, wire, payments)

    def _bury(self, name: str) -> None:
        """A process is dead: what it was doing ends here, what it sent is on its way."""
        dead = self.processes[name]
        self.say(f"{name} dies")
        self._deaths += 1
        for answer in list(dead.wire.waiting):
            answer.cancel()
        for task in list(dead.tasks):
            task.cancel()
        self.processes[name] = self._begin(name)

    @property
    def till(self) -> Process:
        """The process that serves tills, phones and Alipay."""
        return self.processes["till"]

    def begin(self, process: Process, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let a process do something; it ends when it ends."""
        task = self.loop.create_task(work)
        process.tasks.add(task)

        def ended(task: asyncio.Task[T]) -> None:
            process.tasks.discard(task)
            if not task.cancelled() and (fault := task.exception()) is not None:
                self._judge(fault)

        task.add_done_callback(ended)
        return task

    def _judge(self, fault: BaseException) -> None:
        if not isinstance(fault, Refused | ProcessDied):
            self.troubles.append(repr(fault))

    async def do(self, process: Process, work: Coroutine[Any, Any, T]) -> T | None:
        """Let a process do something, until it is done or waits for time to pass."""
        task = self.begin(process, work)
        await self.loop.settle()
        # everything takes a moment, so that no two rows are due at the very same one
        self.push(self.clock.now() + _MOMENT)
        if not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    # --- notifications ----------------------------------------------------------------------------------------------

    async def _post(self, notice: Notice, body: bytes) -> str:
        """Alipay posts a notification: what we answer, as far as Alipay hears of it."""
        self.posted.append(body)
        dice, kind = self.network.dice, "fine"
        if dice.random() < max(self.network.storm, 0.05 if self.network.slow else 0):
            kind = dice.choice(("lost", "slow", "late", "doubled", "unheard"))
        lost = self._losses.get(notice.id, 0)
        if kind in ("lost", "late") and lost >= _LOSSES:
            kind = "fine"
        self.say(f"  notification {notice.fields['trade_status']} of {notice.out_trade_no[-6:]}: {kind}")
        match kind:
            case "fine":
                return await self.deliver(body)
            case "lost":
                self._losses[notice.id] = lost + 1
            case "slow":
                await self._wait(dice.uniform(0.1, 14))
                return await self.deliver(body)
            case "late":
                self._losses[notice.id] = lost + 1
                self._later(dice.uniform(_HEARS_NOTHING, 600), body)
            case "doubled":
                self._later(dice.uniform(0.1, 300), body)
                return await self.deliver(body)
            case _:
                await self.deliver(body)
        await self._wait(_HEARS_NOTHING)
        return ""

    async def _wait(self, seconds: float) -> None:
        heard: asyncio.Future[None] = self.loop.create_future()
        self.network.later(seconds, lambda: heard.set_result(None))
        await heard

    def _later(self, seconds: float, body: bytes) -> None:
        self.network.later(seconds, lambda: self._arrives(body))

    def _arrives(self, body: bytes) -> None:
        self.say("  a late notification arrives")
        self.begin(self.till, self.deliver(body))

    async def deliver(self, body: bytes, account_id: str = "") -> str:
        """A form arrives at our door for notifications, which does as `checkout` does: the answer, or silence."""
        process = self.till
        if not self.open:
            return ""
        try:
            answer = await process.payments.notified(account_id or self.account_id, parse_form(body, "utf-8"))
        except ProcessDied:
            return ""
        except Exception as fault:
            self._judge(fault)
            return "fail"
        self.say(f"  our answer: {answer.why}")
        return "success" if answer.accepted else "fail"

    # --- time -------------------------------------------------------------------------------------------------------

    def push(self, to: datetime) -> None:
        """Push the clock; nobody does anything by that."""
        by = to - self.clock.now()
        if by > timedelta():
            self.clock.advance(by)
            self.loop.pass_seconds(by.total_seconds())

    async def turn(self) -> None:
        """Everybody who can act now does: the road, Alipay, and our workers if they are awake."""
        await self.loop.settle()
        while self.network.arrive():
            await self.loop.settle()
        self.alipay.book.pass_time()
        await self.letters_go()
        await self.refresh()
        if self.workers_awake:
            await self.work("worker")

    async def letters_go(self) -> None:
        """Alipay sends the notifications that are due."""
        while await self.alipay.letters.send_due(patience=0):
            await self.loop.settle()

    async def work(self, name: str) -> None:
        """One worker handles what is due, row by row: in which order it gets several at once, nobody promises."""
        for _ in range(_MOST_LOOKS):
            await self.refresh()
            at = due(self.payments)
            if at is None or at > self.clock.now():
                return
            process = self.processes[name]
            await self.do(process, drive_due(process.db, self._works(process), self.clock, limit=1))
        raise Breach("a row is due again as soon as it was handled")

    def _works(self, process: Process) -> list[DueWork]:
        def watched(handle: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
            async def handled(id: str) -> None:
                try:
                    await handle(id)
                except Exception as fault:
                    self._judge(fault)
                    raise

            return handled

        return [replace(work, handle=watched(work.handle)) for work in process.payments.works()]

    def next_event(self) -> datetime | None:
        """When something happens next, after a turn, if nobody does anything."""
        moments = [self.network.next_at, self.alipay.letters.next_at]
        if self.workers_awake:
            moments.append(due(self.payments))
        return min((moment for moment in moments if moment is not None), default=None)

    async def pass_time(self, seconds: float, *, least: float = 0) -> None:
        """Let time pass; whatever falls due meanwhile is done when it does, or `least` seconds apart."""
        end = self.clock.now() + timedelta(seconds=seconds)
        await self.turn()
        looks = 0
        while (at := self.next_event()) is not None and at <= end:
            self.push(max(at, min(self.clock.now() + timedelta(seconds=least), end)))
            await self.turn()
            if (looks := looks + 1) > _MOST_LOOKS:
                raise Breach("something is due again and again")
        self.push(end)
        await self.turn()

    async def come_to_rest(self) -> None:
        """Let time pass until nothing is due any more. Raises `Breach` where that never comes."""
        for _ in range(_MOST_LOOKS):
            await self.turn()
            at = self.next_event()
            if at is None:
                return
            self.push(max(at, self.clock.now() + timedelta(seconds=45)))
        raise Breach("something is still due after hundreds of looks")

    # --- looking ----------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Read all payments again, if anybody of ours has touched the database."""
        used = [process.db for process in self.processes.values() if process.db.used]
        if used or self._deaths:
            for db in used:
                db.used = False
            self._deaths = 0
            self.payments = await seen(self.eye, self.account_id)

    async def look(self) -> None:
        """Look at all payments, and hold what must be true at any time against them. Raises `Breach`."""
        await self.refresh()
        if self.troubles:
            raise Breach(f"our own code broke: {self.troubles[0]}")
        at_any_time(self.payments, self.alipay.book, self.network, self.hasty)

    def live(self, step: Coroutine[Any, Any, T]) -> T:
        """Run one step of this world from outside of its loop."""
        with self.chance:
            return self.loop.run_until_complete(step)
