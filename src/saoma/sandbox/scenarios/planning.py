"""What may be planned to go wrong: checked once, whichever road it came by, so that no plan waits for ever.

A service is named whole or by a pattern with `*`; a pattern reaches those services that know the way to go wrong."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from saoma.kit.errors import Invalid
from saoma.sandbox.faults.faults import AUTHORIZE, NOTIFICATION, NOTIFY_VERIFY, Fault, FaultKind, fits
from saoma.sandbox.mapi.gateway import OPERATIONS
from saoma.sandbox.openapi.gateway import METHODS
from saoma.sandbox.plus.gateway import SERVICES

#: Everything that partners call, by the names of the three gateways.
CALLED: Final = (*OPERATIONS, NOTIFY_VERIFY, *METHODS, *SERVICES)
#: What an outage shuts besides: addresses without a service.
ADDRESSES: Final = (AUTHORIZE, "bill")
_LONGEST: Final = 3600


def kinds_of(service: str) -> list[str]:
    """How a service, or a notification, may go wrong."""
    return [kind.value for kind in FaultKind if fits(kind, service)]


def checked(fault: Fault) -> Fault:
    """A fault that can happen. Raises `Invalid` with what is wrong with it."""
    if fault.service == NOTIFICATION:
        meant = [NOTIFICATION]
    else:
        names = (*CALLED, *ADDRESSES) if fault.fault is FaultKind.OUTAGE else (*CALLED, AUTHORIZE)
        meant = [name for name in names if fnmatchcase(name, fault.service)]
    if not meant:
        raise Invalid(f"{fault.service!r} is not a service of this sandbox.")
    if not any(fits(fault.fault, name) for name in meant):
        known = ", ".join(dict.fromkeys(kind for name in meant for kind in kinds_of(name)))
        raise Invalid(f"{fault.service} does not go wrong by {fault.fault.value}; it knows {known}.")
    if fault.times is not None and fault.times < 1:
        raise Invalid("times is at least 1.")
    if not (0 <= fault.seconds <= _LONGEST and 0 <= fault.jitter <= _LONGEST):
        raise Invalid("seconds and jitter are between 0 and 3600.")
    if not 0 < fault.chance <= 1:
        raise Invalid("chance is more than 0 and at most 1.")
    if fault.fault is FaultKind.REJECTED and not fault.code:
        raise Invalid("Say with which code the gateway rejects.")
    if fault.code and fault.fault not in (FaultKind.REJECTED, FaultKind.REFUSED):
        raise Invalid("Only refused and rejected say a code.")
    if fault.fault is FaultKind.OUTAGE and (fault.partner, fault.number) != ("*", "*"):
        raise Invalid("An outage reads no calls: it can't be for one partner or order.")
    if fault.fault is FaultKind.FORGED and not (fault.changes or fault.spoil_signature):
        raise Invalid("Say what a forged notification changes, or spoil its signature.")
    if fault.fault is not FaultKind.FORGED and (fault.changes or fault.spoil_signature):
        raise Invalid("Only forged notifications change anything.")
    return fault
