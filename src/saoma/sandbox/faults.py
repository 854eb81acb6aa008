"""Misbehaviour on demand: the next so many calls of a service go wrong in a chosen way.

"Before" and "after" mean before or after the work was done, never before the checks: a malformed call is refused as
always and uses no fault up. The last two digits of a payment code ask for the same things without any planning."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from saoma.sandbox.store import Store

#: How long a silent call holds its connection, in seconds, when nobody says otherwise.
SILENCE: Final = 20.0


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


class Fault(msgspec.Struct):
    """A planned misbehaviour: `times` calls are left, `seconds` is how long a silence or delay takes."""

    service: str
    fault: FaultKind
    times: int = 1
    seconds: float = SILENCE
    #: For `refused` and `rejected`: the word to say.
    code: str = ""


_BY_CODE: Final = {
    "95": FaultKind.SYSTEM_ERROR_BEFORE,
    "96": FaultKind.SYSTEM_ERROR_AFTER,
    "97": FaultKind.SILENCE_AFTER,
    "98": FaultKind.SILENCE_BEFORE,
    "99": FaultKind.BAD_SIGNATURE,
}


def fault_of_code(payment_code: str) -> Fault | None:
    """The misbehaviour that a payment code asks for by its last two digits, if any."""
    kind = _BY_CODE.get(payment_code[-2:])
    return Fault("alipay.acquire.overseas.spot.pay", kind) if kind else None


class Faults:
    """The planned misbehaviour, first planned first used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._planned: list[Fault] = store.one("fault", "planned", list[Fault]) or []

    def planned(self) -> list[Fault]:
        """What is still to come."""
        return list(self._planned)

    def plan(self, fault: Fault) -> None:
        """Let the next `times` calls of a service go wrong."""
        self._planned.append(fault)
        self._keep()

    def clear(self) -> None:
        """Behave again."""
        self._planned.clear()
        self._keep()

    def take(self, service: str) -> Fault | None:
        """Use one up for a call of `service`."""
        if not self._planned:
            return None
        for fault in self._planned:
            if fault.service == service:
                fault.times -= 1
                if fault.times <= 0:
                    self._planned.remove(fault)
                self._keep()
                return fault
        return None

    def _keep(self) -> None:
        self._store.keep("fault", "planned", self._planned)
