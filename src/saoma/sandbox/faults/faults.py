"""Misbehaviour on demand: calls, notifications and the whole gateway go wrong in a chosen way, so often, for so long.

"Before" and "after" mean before or after the work was done, never before the checks: a malformed call is refused as
always and uses no fault up. Chance is drawn from a seed and from how many calls came before: the same seed and the
same calls give the same faults, also when the sandbox was killed in between."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Final

import msgspec

from saoma.kit.clock import Clock, SystemClock
from saoma.sandbox.book.store import Store

#: How long a silent call holds its connection, in seconds, when nobody says otherwise.
SILENCE: Final = 20.0
#: What tries to deliver a notification are called, as if they were calls of a service.
NOTIFICATION: Final = "notification"
NOTIFY_VERIFY: Final = "notify_verify"
#: The address of authorizations, whose callback may come with another `state` than was sent.
AUTHORIZE: Final = "publicAppAuthorize.htm"
#: What can be a payment code: anything else is refused as such, whatever its last digits.
_PAYMENT_CODE: Final = re.compile(r"(?:2[5-9]|30)[0-9]{14,22}")
#: How services of Alipay+ begin.
PLUS: Final = "/ams/"


class FaultKind(StrEnum):
    """What goes wrong."""

    SYSTEM_ERROR_BEFORE = "system_error_before"
    SYSTEM_ERROR_AFTER = "system_error_after"
    SILENCE_BEFORE = "silence_before"
    SILENCE_AFTER = "silence_after"
    UNKNOWN = "unknown"
    BAD_SIGNATURE = "bad_signature"
    DELAY = "delay"
    #: The Open API's 20000, which leaves open what was done.
    UNAVAILABLE_BEFORE = "unavailable_before"
    UNAVAILABLE_AFTER = "unavailable_after"
    #: The service's own no, with `code`, and nothing is done.
    REFUSED = "refused"
    #: The gateway's no (`is_success=F`), with `code`, and nothing is done.
    REJECTED = "rejected"
    #: The buyer thinks, and pays `seconds` later.
    PAYS_LATE = "pays_late"
    #: The buyer pays in the moment before the call is carried out.
    PAID_FIRST = "paid_first"
    #: Nothing is read or answered: connections are dropped at the door.
    OUTAGE = "outage"
    #: Of notifications: a try that never arrives.
    LOST = "lost"
    #: A try that arrives twice.
    DOUBLED = "doubled"
    #: Told after a later one of the same partner, or after `seconds` when there is none.
    REORDERED = "reordered"
    #: Told when the time of this fault is over.
    HELD = "held"
    #: A lie comes first, under an id of its own: `changes`, and perhaps a signature that fails.
    FORGED = "forged"


#: What may happen to a notification.
OF_NOTIFICATIONS: Final = frozenset(
    {
        FaultKind.LOST,
        FaultKind.DOUBLED,
        FaultKind.REORDERED,
        FaultKind.HELD,
        FaultKind.FORGED,
        FaultKind.DELAY,
        FaultKind.BAD_SIGNATURE,
    }
)
_OF_NOTIFY_VERIFY: Final = frozenset(
    {
        FaultKind.SYSTEM_ERROR_BEFORE,
        FaultKind.SYSTEM_ERROR_AFTER,
        FaultKind.SILENCE_BEFORE,
        FaultKind.SILENCE_AFTER,
        FaultKind.REFUSED,
        FaultKind.DELAY,
    }
)
_NOTIFICATIONS_ONLY: Final = OF_NOTIFICATIONS - {FaultKind.DELAY, FaultKind.BAD_SIGNATURE}
_OPEN_API: Final = ("alipay.trade.", "alipay.data.", "alipay.open.", "alipay.system.")
#: Services by which a trade comes into being that its buyer may pay late.
OPENING: Final = frozenset(
    {
        "alipay.acquire.overseas.spot.pay",
        "alipay.acquire.precreate",
        "alipay.acquire.create",
        "alipay.acquire.createandpay",
        "alipay.trade.pay",
        "alipay.trade.create",
        "alipay.trade.precreate",
        "/ams/api/v1/payments/pay",
    }
)


def fits(kind: FaultKind, service: str) -> bool:
    """Whether something may go wrong in this way with a service, or with notifications."""
    if service == NOTIFICATION:
        return kind in OF_NOTIFICATIONS
    if kind in _NOTIFICATIONS_ONLY:
        return False
    if kind is FaultKind.OUTAGE:
        return True
    if service == NOTIFY_VERIFY:
        return kind in _OF_NOTIFY_VERIFY
    if service == AUTHORIZE:
        return kind is FaultKind.BAD_SIGNATURE
    match kind:
        case FaultKind.UNAVAILABLE_BEFORE | FaultKind.UNAVAILABLE_AFTER:
            return service.startswith((*_OPEN_API, PLUS))
        case FaultKind.PAYS_LATE:
            return service in OPENING
        case FaultKind.PAID_FIRST:
            return service not in OPENING
        case _:
            return True


class Fault(msgspec.Struct):
    """A planned misbehaviour of `service`, a name or a pattern with `*`, for the orders that match.

    `times` calls are left (None: no end), `seconds` and up to `jitter` more is how long a silence or delay takes,
    `until` ends it by the sandbox's clock. `step` is the place in a scenario that planned it."""

    service: str
    fault: FaultKind
    times: int | None = 1
    seconds: float = SILENCE
    #: For `refused` and `rejected`: the word to say.
    code: str = ""
    jitter: float = 0
    chance: float = 1
    seed: int = 0
    partner: str = "*"
    number: str = "*"
    #: Who pays an order code that nobody scanned.
    who: str = ""
    changes: dict[str, str] = {}
    spoil_signature: bool = False
    until: datetime | None = None
    step: int | None = None
    #: How many calls it met, and how many of them it struck.
    met: int = 0
    played: int = 0
    #: How late the answer comes besides, because of a planned delay.
    late: float = 0

    @property
    def why(self) -> str:
        """What the call log says of it."""
        more = " and delay" if self.late and self.fault is not FaultKind.DELAY else ""
        return f"as planned: {self.fault.value}{more}"

    def is_for(self, service: str, partner: str, number: str) -> bool:
        """Whether it means this call."""
        return (
            fnmatchcase(service, self.service)
            and fits(self.fault, service)
            and fnmatchcase(partner, self.partner)
            and fnmatchcase(number, self.number)
        )

    def drawn(self, what: str) -> float:
        """A number from 0 to 1 for the call it has met last."""
        text = f"{self.seed}|{self.service}|{self.fault.value}|{self.step}|{self.met}|{what}"
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2**64

    def strikes(self) -> bool:
        """Meet one more call, and tell whether it goes wrong."""
        self.met += 1
        if self.chance < 1 and self.drawn("chance") >= self.chance:
            return False
        self.played += 1
        if self.times is not None:
            self.times -= 1
        return True


_BY_CODE: Final = {
    "95": FaultKind.SYSTEM_ERROR_BEFORE,
    "96": FaultKind.SYSTEM_ERROR_AFTER,
    "97": FaultKind.SILENCE_AFTER,
    "98": FaultKind.SILENCE_BEFORE,
    "99": FaultKind.BAD_SIGNATURE,
}


def fault_of_code(payment_code: str) -> Fault | None:
    """The misbehaviour that a payment code asks for by its last two digits, if any."""
    kind = _BY_CODE.get(payment_code[-2:]) if _PAYMENT_CODE.fullmatch(payment_code) else None
    return Fault("alipay.acquire.overseas.spot.pay", kind) if kind else None


class Faults:
    """The planned misbehaviour, first planned first used; a delay comes on top of whatever else goes wrong."""

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._planned: list[Fault] = store.one("fault", "planned", list[Fault]) or []
        #: Called before a call is judged, so that what fell due is planned.
        self.before: Callable[[], object] = lambda: None
        #: Told of each call that was judged, and of what strikes it.
        self.noted: Callable[[str, list[Fault]], None] = lambda service, faults: None
        #: Whether an order waits for its buyer.
        self.waits: Callable[[str, str], bool] = lambda partner, number: True

    def planned(self) -> list[Fault]:
        """What is still to come."""
        self._end()
        return list(self._planned)

    def plan(self, fault: Fault) -> None:
        """Let the next `times` calls of a service go wrong."""
        self._planned.append(fault)
        self._keep()

    def clear(self) -> None:
        """Behave again."""
        self._planned.clear()
        self._keep()

    def withdraw(self) -> None:
        """Forget what a scenario planned."""
        self._planned = [fault for fault in self._planned if fault.step is None]
        self._keep()

    def take(self, service: str, partner: str = "", number: str = "") -> Fault | None:
        """Use one up for a call of `service`."""
        self.before()
        struck = self._struck(service, partner, number) if self._planned else []
        self.noted(service, struck)
        if not struck:
            return None
        main = next((fault for fault in struck if not _adds(fault, service)), struck[0])
        late = sum(_length(fault) for fault in struck if _adds(fault, service))
        return msgspec.structs.replace(main, seconds=_length(main), late=late)

    def shut(self, service: str) -> Fault | None:
        """Use one up at the door, before anything of a call is read but the name of its service."""
        self.before()
        self._end()
        for fault in self._planned:
            if fault.fault is FaultKind.OUTAGE and fnmatchcase(service, fault.service):
                strikes = fault.strikes()
                self._keep()
                if strikes:
                    self.noted(service, [fault])
                    return fault
        return None

    def _struck(self, service: str, partner: str, number: str) -> list[Fault]:
        self._end()
        struck: list[Fault] = []
        met = late = False
        for fault in self._planned:
            if fault.fault is FaultKind.OUTAGE or not fault.is_for(service, partner, number):
                continue
            adds = _adds(fault, service)
            if (adds and late) or (fault.fault is FaultKind.PAID_FIRST and not self.waits(partner, number)):
                continue
            met = True
            if fault.strikes():
                struck.append(fault)
                late = late or adds
                if not adds:
                    break
        if met:
            self._keep()
        return struck

    def _end(self) -> None:
        """Forget what is used up, and what ended by the clock."""
        now = self._clock.now()
        left = [one for one in self._planned if one.times != 0 and (one.until is None or now < one.until)]
        if len(left) < len(self._planned):
            self._planned = left
            self._keep()

    def _keep(self) -> None:
        self._store.keep("fault", "planned", self._planned)


def _adds(fault: Fault, service: str) -> bool:
    return fault.fault is FaultKind.DELAY and service != NOTIFICATION


def _length(fault: Fault) -> float:
    return fault.seconds + fault.jitter * fault.drawn("length") if fault.jitter else fault.seconds
