"""What happens in a rough run, drawn by its seed: who wants to pay how, and what breaks when. Pure.

Breaks are planned by how many payments were begun, not by the clock on the wall, so that a slow machine sees the same
plan. Another version of this file may draw another day from the same seed: the plan's mark, which a run prints, tells.
Which message a kill meets in flight is decided by the machine and can't be drawn again."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Final

VICTIMS: Final = ("app", "worker", "postgres", "sandbox")
ROADS: Final = ("front", "gateway", "database")
KINDS: Final = (
    *("system_error_before", "system_error_after", "silence_before", "silence_after"),
    *("unknown", "bad_signature", "delay"),
)
PAY: Final = "alipay.acquire.overseas.spot.pay"
#: The services that money moves by, and how often each is made to misbehave.
SERVICES: Final = {
    PAY: 6,
    "alipay.acquire.overseas.query": 5,
    "alipay.acquire.cancel": 3,
    "alipay.acquire.overseas.spot.refund": 3,
    "alipay.acquire.precreate": 2,
    "alipay.acquire.create": 2,
    "alipay.system.oauth.token": 1,
}
#: Longer than our patience with one call.
_TOO_LONG: Final = 6.0


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL. `whole` means with all its children; otherwise those must notice by themselves."""

    victim: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Misbehave:
    """The next `times` calls of a service go wrong."""

    service: str
    kind: str
    times: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A road is cut: all that is on it (`after` None), or the next answer after so many bytes."""

    road: str
    after: int | None


@dataclass(frozen=True, slots=True)
class Hole:
    """A road swallows all that is sent for so many seconds, and resets nobody meanwhile."""

    road: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DiskFull:
    """No file of the app and the worker grows any more, or (`full` False) they do again."""

    full: bool


@dataclass(frozen=True, slots=True)
class Push:
    """Both clocks jump ahead."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PushTo:
    """Both clocks jump to the next such time of the day in Beijing."""

    at: time


Step = Kill | Misbehave | Cut | Hole | DiskFull | Push | PushTo


@dataclass(frozen=True, slots=True)
class Planned:
    """A step that is taken once so many payments were begun."""

    begun: int
    step: Step


class Buyer(StrEnum):
    """What the person with the wallet does."""

    PAYS = "pays"
    REFUSES = "refuses"
    PAYS_LATE = "pays_late"
    NEVER = "never"
    POOR = "poor"


@dataclass(frozen=True, slots=True)
class Wish:
    """One order at a till. `asks` is whether the wallet asks before it pays; `refunds` are shares of a hundred.

    `twin`: two tills charge the same order at once. `doubled`: the same request is sent twice at once."""

    number: int
    merchant: int
    method: str
    amount: int
    buyer: Buyer
    asks: bool
    refunds: tuple[int, ...]
    cancels: bool
    twin: bool
    doubled: bool
    wait: float


def wish(number: int, seed: int) -> Wish:
    """The order of that number: always the same for one seed."""
    dice = random.Random(f"{seed}:wish:{number}")
    method = dice.choices(("barcode", "order_code", "wallet_page"), (70, 15, 15))[0]
    buyer = dice.choices(list(Buyer), (80, 6, 6, 4, 4))[0]
    asks = method != "barcode" or buyer in (Buyer.REFUSES, Buyer.PAYS_LATE, Buyer.NEVER) or dice.random() < 0.1
    refunds = dice.choices(((), (100,), (dice.randint(5, 60),), (30, 70), (25, 40)), (84, 6, 6, 2, 2))[0]
    return Wish(
        number=number,
        merchant=dice.randrange(2),
        method=method,
        amount=dice.randint(100, 9_999),
        buyer=buyer,
        asks=asks,
        refunds=refunds,
        cancels=dice.random() < 0.04,
        twin=dice.random() < 0.03,
        doubled=dice.random() < 0.03,
        wait=dice.uniform(3, 10) if buyer is Buyer.PAYS_LATE else dice.uniform(0.05, 0.6),
    )


def plan(payments: int, kills: int, seed: int) -> list[Planned]:
    """Everything that breaks, in order."""
    dice = random.Random(f"{seed}:plan")
    steps: list[Planned] = []

    def somewhere() -> int:
        return dice.randint(max(1, payments // 50), max(1, payments - payments // 50))

    for number in range(kills):
        steps.append(Planned(somewhere(), Kill(VICTIMS[number % len(VICTIMS)], dice.random() < 0.75)))
    pairs = [(service, kind) for service in SERVICES for kind in KINDS]
    wanted = max(len(pairs), payments // 15)
    for number in range(wanted):
        # each service in each way at least once, the rest as it falls
        service, kind = (
            pairs[number]
            if number < len(pairs)
            else (dice.choices(list(SERVICES), list(SERVICES.values()))[0], dice.choice(KINDS))
        )
        seconds = _TOO_LONG if kind == "delay" and dice.random() < 0.2 else round(dice.uniform(0.05, 1.0), 2)
        times = dice.choice((1, 1, 2, 3)) if payments >= 1_000 else 1
        steps.append(Planned(somewhere(), Misbehave(service, kind, times, seconds)))
    for number in range(max(6, payments // 40)):
        after = None if dice.random() < 0.3 else dice.choice((0, 1, 7, 60, 300))
        steps.append(Planned(somewhere(), Cut(ROADS[number % len(ROADS)], after)))
    for number in range(max(len(ROADS), payments // 200)):
        # short ones, and ones that outlast the patience of whoever waits
        seconds = _TOO_LONG if payments >= 1_000 and dice.random() < 0.3 else round(dice.uniform(0.5, 2.5), 1)
        steps.append(Planned(somewhere(), Hole(ROADS[number % len(ROADS)], seconds)))
    for share in (0.25, 0.7):
        steps.append(Planned(int(payments * share), DiskFull(True)))
        steps.append(Planned(int(payments * (share + 0.05)), DiskFull(False)))
    for _ in range(max(3, payments // 150)):
        begun = somewhere()
        # around midnight the hours are set, not drawn
        if not 0.42 <= begun / payments <= 0.58:
            steps.append(Planned(begun, Push(round(dice.uniform(15, 70), 1))))
    steps += [
        Planned(0, PushTo(time(18))),
        Planned(int(payments * 0.45), PushTo(time(23, 58, 40))),
        Planned(int(payments * 0.47), PushTo(time(23, 59, 57))),
        Planned(int(payments * 0.52), PushTo(time(0, 14, 30))),
        Planned(int(payments * 0.55), PushTo(time(0, 15, 1))),
    ]
    return sorted(steps, key=lambda planned: planned.begun)


def mark_of(steps: list[Planned], payments: int, seed: int) -> str:
    """A few letters that tell one plan and its orders from another."""
    orders = [wish(number, seed) for number in range(1, payments + 1)]
    return hashlib.sha256(repr((steps, orders)).encode()).hexdigest()[:12]
