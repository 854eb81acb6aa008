"""The road between us and Alipay: what is lost, late, doubled, reordered, garbled or forged on it, by the dice.

A caller hears nothing after `HANGS_UP` seconds; what it sent may arrive all the same, long afterwards."""

from __future__ import annotations

import asyncio
import heapq
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from saoma.alipay.client import NoBelievableAnswer
from saoma.alipay.signing import md5_signatory
from saoma.alipay.wire import write_answer
from saoma.kit.errors import NotSent
from saoma.sandbox.book.model import Product
from saoma.sandbox.faults.faults import Fault, FaultKind
from tests.simulation.time import WorldClock

#: Connecting and waiting together: as long as the product's client waits.
HANGS_UP: Final = 7.5
#: What is on its way arrives within this time, or never.
LONGEST_WAY: Final = 600.0


class Fate(StrEnum):
    """What becomes of one call."""

    FINE = "fine"
    SLOW = "slow"
    NOT_SENT = "not_sent"
    REQUEST_LOST = "request_lost"
    REQUEST_LATE = "request_late"
    ANSWER_LOST = "answer_lost"
    DOUBLED = "doubled"
    BUSY_BEFORE = "busy_before"
    BUSY_AFTER = "busy_after"
    UNKNOWN = "unknown"
    BAD_SIGNATURE = "bad_signature"
    GARBLED = "garbled"
    SWAPPED = "swapped"
    FORGED = "forged"


#: Silence is the commonest trouble.
_FAULTS: Final = (
    *(fate for fate in Fate if fate not in (Fate.FINE, Fate.SLOW)),
    *(Fate.REQUEST_LOST, Fate.REQUEST_LATE, Fate.ANSWER_LOST) * 2,
)
_PLANNED: Final = {
    Fate.BUSY_BEFORE: FaultKind.SYSTEM_ERROR_BEFORE,
    Fate.BUSY_AFTER: FaultKind.SYSTEM_ERROR_AFTER,
    Fate.UNKNOWN: FaultKind.UNKNOWN,
    Fate.BAD_SIGNATURE: FaultKind.BAD_SIGNATURE,
}
_ABOUT: Final = re.compile(rb"(?:^|&)(service|partner_trans_id|out_trade_no|partner_refund_id)=([^&]*)")
_OPENING: Final = (".pay", ".create", ".precreate")
_CHARSET: Final = b"_input_charset=UTF-8"


class Network:
    """Carries calls to the sandbox's gateway. `storm` is the chance that something goes wrong on the way."""

    def __init__(self, clock: WorldClock, dice: random.Random, say: Callable[[str], None]) -> None:
        self.clock = clock
        self.dice = dice
        self.storm = 0.0
        self.slow = 0.15
        #: Order numbers of whose opening a copy is still under way.
        self.astray: dict[str, int] = {}
        #: Whether Alipay forgets that it cancelled an order it had not heard of: a late request then brings it to life.
        self.forgetful = False
        self.forgotten: set[str] = set()
        self.alipay: Any = None
        self._say = say
        self._under_way: list[tuple[datetime, int, Callable[[], None]]] = []
        self._sequence = 0
        self._genuine: dict[str, list[tuple[str, bytes]]] = {}

    # --- time -------------------------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen after a while."""
        self._sequence += 1
        at = self.clock.now() + timedelta(microseconds=round(seconds * 1e6))
        heapq.heappush(self._under_way, (at, self._sequence, act))

    @property
    def next_at(self) -> datetime | None:
        """When the next thing on the road happens."""
        return self._under_way[0][0] if self._under_way else None

    def arrive(self) -> bool:
        """Let the next due thing happen; whether there was one."""
        if self._under_way and self._under_way[0][0] <= self.clock.now():
            heapq.heappop(self._under_way)[2]()
            return True
        return False

    # --- calls ------------------------------------------------------------------------------------------------------

    async def call(self, body: bytes, waiting: set[asyncio.Future[bytes]]) -> bytes:
        """One call, as its caller sees it: an answer, or why there is none."""
        about = {name.decode(): unquote_to_bytes(value).decode() for name, value in _ABOUT.findall(body)}
        service = about.pop("service", "")
        number = about.get("partner_trans_id") or about.get("out_trade_no", "")
        fate = self._fate()
        if service.endswith((*_OPENING, ".cancel")) and self.dice.random() < self.storm / 4:
            # where silence costs most, there is more of it
            fate = Fate.REQUEST_LATE
        self._say(f"  {service.rpartition('.')[2]} {number[-6:]}: {fate}")
        match fate:
            case Fate.FINE:
                return self._carried(service, number, body)
            case Fate.NOT_SENT:
                raise NotSent("no connection")
            case Fate.DOUBLED:
                self._copy(service, number, body, self.dice.uniform(0.2, 120))
                return self._carried(service, number, body)
            case Fate.GARBLED:
                answer = self._carried(service, number, body)
                return answer[: self.dice.randrange(len(answer))]
            case Fate.SWAPPED:
                answer = self._carried(service, number, body)
                others = [other for about, other in self._genuine.get(service, []) if about != number]
                return self.dice.choice(others) if others else answer
            case Fate.FORGED:
                if self.dice.random() < 0.5:
                    self._carried(service, number, body)
                return forged(service, about)
            case Fate.BUSY_BEFORE | Fate.BUSY_AFTER | Fate.UNKNOWN | Fate.BAD_SIGNATURE:
                return self._carried(service, number, body, _PLANNED[fate])
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        waiting.add(answered)
        answered.add_done_callback(waiting.discard)
        self.later(HANGS_UP, lambda: self._hang_up(answered))
        if fate is Fate.REQUEST_LATE:
            self._copy(service, number, body, self.dice.uniform(HANGS_UP, 120))
        if fate is Fate.ANSWER_LOST:
            self._copy(service, number, body, self.dice.choice((0.0, 0.3, 3.0)))
        if fate is Fate.SLOW:
            self.later(self.dice.choice((0.05, 1.0, 4.0)), lambda: self._answer(service, number, body, answered))
        return await answered

    def _fate(self) -> Fate:
        if self.dice.random() < self.storm:
            return self.dice.choice(_FAULTS)
        return Fate.SLOW if self.dice.random() < self.slow else Fate.FINE

    def _carried(self, service: str, number: str, body: bytes, fault: FaultKind | None = None) -> bytes:
        if fault is not None:
            self.alipay.faults.plan(Fault(service, fault))
        answer = self.alipay.mapi.answer(_CHARSET, body).body
        if fault is not None:
            self.alipay.faults.clear()
        elif number.encode() in answer.rpartition(b"</request>")[2]:
            # a refusal names no order, so nobody could tell it from another's: only TLS stands before that
            self._genuine.setdefault(service, []).append((number, answer))
        if self.forgetful and service.endswith(".cancel"):
            self._forget(number)
        return bytes(answer)

    def _forget(self, number: str) -> None:
        trades = self.alipay.book.trades
        for key in [key for key, trade in trades.items() if key[1] == number and trade.product is Product.NONE]:
            del trades[key]
            self.forgotten.add(number)

    def _copy(self, service: str, number: str, body: bytes, seconds: float) -> None:
        opens = service.endswith(_OPENING)

        def arrives() -> None:
            if opens:
                self.astray[number] -= 1
            self._say(f"  a copy of {service.rpartition('.')[2]} {number[-6:]} arrives")
            self._carried(service, number, body)

        if opens:
            self.astray[number] = self.astray.get(number, 0) + 1
        self.later(seconds, arrives)

    def _answer(self, service: str, number: str, body: bytes, answered: asyncio.Future[bytes]) -> None:
        answer = self._carried(service, number, body)

        def comes_back() -> None:
            if not answered.done():
                answered.set_result(answer)

        self.later(self.dice.choice((0.05, 0.5, 3.0)), comes_back)

    @staticmethod
    def _hang_up(answered: asyncio.Future[bytes]) -> None:
        if not answered.done():
            answered.set_exception(NoBelievableAnswer("silence", "no answer"))


def forged(service: str, about: dict[str, str]) -> bytes:
    """The answer that whoever sits on the road would like us to believe, signed with a key of their own."""
    number = about.get("partner_trans_id") or about.get("out_trade_no", "")
    trade = "2026030299999999999999999999"
    said = {"result_code": "SUCCESS", "out_trade_no": number, "trade_no": trade, "action": "close", "retry_flag": "N"}
    if "overseas" in service:
        said = {"result_code": "SUCCESS", "partner_trans_id": number, "alipay_trans_id": trade}
        if service.endswith("query"):
            said |= {"out_trade_no": number, "alipay_trans_status": "TRADE_SUCCESS"}
        if service.endswith("refund"):
            said |= {"partner_refund_id": about.get("partner_refund_id", "")}
    return write_answer("alipay", said, {"service": service}, md5_signatory("a key of nobody's"), "UTF-8")
