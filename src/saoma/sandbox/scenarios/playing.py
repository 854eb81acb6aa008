"""A scenario being played: its steps begin by the sandbox's clock and by calls, and what came of each is remembered.

Everything is kept before it is answered, so a sandbox that was killed goes on where it was. Time steps are queued among
all that falls due in the book: when the clock is pushed over several at once, they happen in their order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase

import msgspec

from saoma.kit.clock import beijing_day
from saoma.kit.errors import Invalid
from saoma.sandbox.book.model import TradeStatus
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.planting import FileError, FileKind, PlantedError
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults.faults import NOTIFICATION, Fault, Faults
from saoma.sandbox.faults.late_payers import pay_at, refuse_at, waits
from saoma.sandbox.files.daily_files import DailyFiles
from saoma.sandbox.scenarios.scenario import Deed, Scenario, Start, Step, ends_after, said, when


class Progress(msgspec.Struct, omit_defaults=True):
    """What came of a step: when it began, how often it played, and the calls it waits for that were seen."""

    begun_at: datetime | None = None
    played: int = 0
    seen: int = 0
    note: str = ""


class Play(msgspec.Struct):
    """A scenario with what came of it so far. `started_at` None: it waits for the first call."""

    scenario: Scenario
    steps: list[Progress]
    started_at: datetime | None = None
    calls: int = 0


class StepView(msgspec.Struct):
    """One step. `state` is waiting, on or over; `left` is how often it will still play (null: no end)."""

    step: int
    line: int
    when: str
    what: str
    state: str
    begun_at: str | None
    played: int
    left: int | None
    note: str


class ScenarioView(msgspec.Struct):
    """How a scenario stands. `state` is waiting (for its first call), playing or over."""

    name: str
    about: str
    seed: int
    state: str
    started_at: str | None
    elapsed_seconds: float
    calls: int
    played: int
    steps: list[StepView]
    never_reached: list[int]


class Player:
    """Plays one scenario at a time."""

    def __init__(self, book: Book, faults: Faults, daily_files: DailyFiles, partners: Partners) -> None:
        self._book = book
        self._faults = faults
        self._daily_files = daily_files
        self._partners = partners
        self._play: Play | None = book.store.one("scenario", "play", Play)
        self._afterwards: list[int] = []
        #: Tells whoever waits that something may have to be sent.
        self.woke: Callable[[], None] = lambda: None
        faults.before = self._before_call
        faults.noted = self._noted
        faults.waits = lambda partner, number: waits(book, partner, number)
        if self._play is not None and self._play.started_at is not None:
            self._queue(self._play)

    # --- by hand ---------------------------------------------------------------------------------------------------

    def play(self, scenario: Scenario) -> None:
        """Start a scenario; one that was playing ends."""
        with self._book.store.writing():
            self.stop()
            self._play = Play(scenario, [Progress() for _ in scenario.steps])
            self._keep()
            if scenario.start is Start.AT_ONCE:
                self._start(self._play)

    def resume(self, scenario: Scenario) -> bool:
        """Go on with the same scenario where it was when the sandbox ended; else start it. Tells which."""
        play = self._play
        if play is not None and play.scenario == scenario and self._state(play) != "over":
            return True
        self.play(scenario)
        return False

    def stop(self) -> None:
        """End what is playing: its faults are withdrawn, what was done stays done."""
        with self._book.store.writing():
            self._play = None
            self._afterwards.clear()
            self._faults.withdraw()
            self._book.store.drop("scenario", "play")

    def view(self) -> ScenarioView | None:
        """How it stands; None when nothing is played."""
        self._settle()
        self._book.pass_time()
        play = self._play
        if play is None:
            return None
        now = self._book.clock.now()
        steps = [self._step_view(place, play) for place in range(len(play.steps))]
        return ScenarioView(
            name=play.scenario.name, about=play.scenario.about, seed=play.scenario.seed, state=self._state(play),
            started_at=play.started_at.isoformat() if play.started_at else None,
            elapsed_seconds=(now - play.started_at).total_seconds() if play.started_at else 0.0,
            calls=play.calls, played=sum(one.played for one in play.steps), steps=steps,
            never_reached=[one.step for one in steps if not one.played],
        )  # fmt: skip

    # --- by time and calls -------------------------------------------------------------------------------------------

    def _before_call(self) -> None:
        play = self._play
        if play is not None and play.started_at is None:
            self._start(play)
        self._settle()
        self._book.pass_time()

    def _noted(self, service: str, struck: list[Fault]) -> None:
        play = self._play
        if play is None:
            return
        for fault in struck:
            if fault.step is not None and fault.step < len(play.steps):
                play.steps[fault.step].played += 1
        if service != NOTIFICATION:
            play.calls += 1
            for place, step in enumerate(play.scenario.steps):
                if step.calls and fnmatchcase(service, step.calls_of):
                    self._count(place, step, play)
        self._keep()

    def _count(self, place: int, step: Step, play: Play) -> None:
        play.steps[place].seen += 1
        if not self._is_due(place, play):
            return
        if step.deed is Deed.FAULT:
            self._begin(place, play, self._book.clock.now())
        else:
            # what happens after a call happens when it is answered, and it isn't yet
            self._afterwards.append(place)
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        places, self._afterwards = self._afterwards, []
        for place in places:
            if self._play is not None and self._is_due(place, self._play):
                self._begin(place, self._play, self._book.clock.now())
        if places:
            self.woke()

    def _start(self, play: Play) -> None:
        play.started_at = self._book.clock.now()
        self._keep()
        self._queue(play)
        self._book.pass_time()

    def _queue(self, play: Play) -> None:
        assert play.started_at is not None
        for place, step in enumerate(play.scenario.steps):
            if play.steps[place].begun_at is None:
                self._book.call_at(play.started_at + timedelta(seconds=step.at), self._turn(place, play))

    def _turn(self, place: int, play: Play) -> Callable[[datetime], None]:
        def come(at: datetime) -> None:
            if play is self._play and self._is_due(place, play, at):
                self._begin(place, play, at)
                self.woke()

        return come

    def _is_due(self, place: int, play: Play, at: datetime | None = None) -> bool:
        step, progress = play.scenario.steps[place], play.steps[place]
        if progress.begun_at is not None or play.started_at is None or progress.seen < step.calls:
            return False
        return (at or self._book.clock.now()) >= play.started_at + timedelta(seconds=step.at)

    # --- what steps do -----------------------------------------------------------------------------------------------

    def _begin(self, place: int, play: Play, at: datetime) -> None:
        step, progress = play.scenario.steps[place], play.steps[place]
        with self._book.store.writing():
            progress.begun_at = at
            match step.deed:
                case Deed.FAULT:
                    assert step.fault is not None
                    lasts = ends_after(step)
                    until = at + lasts if lasts is not None else None
                    self._faults.plan(
                        msgspec.structs.replace(step.fault, seed=play.scenario.seed, step=place, until=until)
                    )
                case Deed.BUYER:
                    progress.played, progress.note = self._buyers(step, at)
                case Deed.CLOCK:
                    self._book.advance(timedelta(seconds=step.seconds))
                    progress.played = 1
                case Deed.FILE:
                    progress.played = self._files(step, beijing_day(at))
                    progress.note = "" if progress.played else "no partner of this number is known"
            self._keep()

    def _buyers(self, step: Step, at: datetime) -> tuple[int, str]:
        """How many orders their buyers paid or refused; if none, why."""
        done = tried = 0
        for trade in list(self._book.trades.values()):
            is_meant = fnmatchcase(trade.partner, step.partner) and fnmatchcase(trade.out_trade_no, step.number)
            if not is_meant or not (trade.is_waiting or trade.status is TradeStatus.ORDERED):
                continue
            if step.word == "pays":
                if not trade.buyer_id or not step.who or trade.buyer_id == self._book.buyer(step.who).id:
                    tried += 1
                    done += pay_at(self._book, trade, at, step.who)
            elif trade.is_waiting and (not step.who or trade.buyer_id == self._book.buyer(step.who).id):
                done += refuse_at(self._book, trade, at)
        why = "Alipay declined whoever wanted to pay" if tried else "no order waited for its buyer"
        return done, "" if done else why

    def _files(self, step: Step, today: date) -> int:
        days = {"today": today, "yesterday": today - timedelta(days=1)}
        number = "" if step.number == "*" else step.number
        planted = 0
        for partner in self._partners.all():
            if fnmatchcase(partner.partner, step.partner):
                self._daily_files.plant(
                    PlantedError(
                        partner.partner, days.get(step.day) or date.fromisoformat(step.day), FileError(step.word),
                        FileKind(step.kind), number,
                    )
                )  # fmt: skip
                planted += 1
        return planted

    # --- how it stands -----------------------------------------------------------------------------------------------

    def _step_view(self, place: int, play: Play) -> StepView:
        step, progress = play.scenario.steps[place], play.steps[place]
        on = next((fault for fault in self._faults.planned() if fault.step == place), None)
        state = "waiting" if progress.begun_at is None else "on" if on else "over"
        left: int | None = 0
        if state == "waiting":
            left = step.fault.times if step.fault else 1
        elif on is not None:
            left = on.times
        return StepView(
            place + 1, step.line, when(step), said(step), state,
            progress.begun_at.isoformat() if progress.begun_at else None, progress.played, left, progress.note,
        )  # fmt: skip

    def _state(self, play: Play) -> str:
        if play.started_at is None:
            return "waiting"
        on = {fault.step for fault in self._faults.planned()}
        still = any(one.begun_at is None or place in on for place, one in enumerate(play.steps))
        return "playing" if still else "over"

    def _keep(self) -> None:
        self._book.store.keep("scenario", "play", self._play)


def check_buyers(scenario: Scenario, book: Book) -> None:
    """Raises `Invalid` for a step that names a buyer nobody knows."""
    for step in scenario.steps:
        if step.who and book.wallets.find(step.who) is None:
            raise Invalid(f"line {step.line}: there is no buyer {step.who!r} here.")
