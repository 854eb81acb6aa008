"""What happened, in order: calls at the local Alipay, notifications, what the integration said, what was done to it.

All times are the local Alipay's. A timeline is all that `judging` sees, so a verdict can be given again at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeAlias

import msgspec

from saoma.alipay.wire import Unreadable, read_answer, read_openapi_answer

#: The services by the word used in reports.
SERVICES: Final = {
    "alipay.acquire.overseas.spot.pay": "pay",
    "alipay.acquire.create": "create",
    "alipay.acquire.precreate": "precreate",
    "alipay.acquire.overseas.query": "query",
    "alipay.acquire.query": "query",
    "alipay.acquire.cancel": "cancel",
    "alipay.acquire.overseas.spot.refund": "refund",
    "alipay.acquire.refund.query": "refund query",
    "alipay.commerce.qrcode.create": "shop code",
    "alipay.overseas.secmerchant.offline.maintain": "register",
    "alipay.overseas.secmerchant.maintain.queryStatus": "registration query",
    "alipay.system.oauth.token": "token",
    "publicAppAuthorize.htm": "authorize",
}
#: Parameters that may differ between a request and its repeat.
_OF_THE_MOMENT: Final = {"sign", "sign_type", "timestamp", "terminal_timestamp"}
_AT_THE_DOOR: Final = (
    "ILLEGAL_SIGN", "ILLEGAL_SIGN_TYPE", "ILLEGAL_PARTNER", "ILLEGAL_SECURITY_PROFILE", "ILLEGAL_CHARSET",
    "ILLEGAL_SERVICE",
)  # fmt: skip
_PLANNED: Final = "as planned: "
_XML: Final = ("alipay.acquire.", "alipay.commerce.", "alipay.overseas.")


class Call(msgspec.Struct, frozen=True, tag="call", dict=True):
    """One call as the local Alipay logged it; `response` None is silence."""

    at: datetime
    service: str
    number: str
    asked: dict[str, str]
    response: str | None
    why: str = ""

    @property
    def kind(self) -> str:
        """The service in a word."""
        return SERVICES.get(self.service, self.service)

    @property
    def planned(self) -> str:
        """The misbehaviour that this call met on purpose, if any."""
        return self.why.removeprefix(_PLANNED) if self.why.startswith(_PLANNED) else ""

    @cached_property
    def fields(self) -> dict[str, str]:
        """What the answer says; empty for silence and for what can't be read."""
        if not self.response:
            return {}
        try:
            if self.service.startswith("alipay.system."):
                return {name: str(value) for name, value in read_openapi_answer(self.response.encode()).fields.items()}
            declared = self.response.replace('encoding="GBK"', 'encoding="UTF-8"', 1)
            read = read_answer(declared.encode())
        except Unreadable:
            return {}
        return dict(read.fields) if read.is_success else {"rejected": read.error}

    @property
    def result(self) -> str:
        """`silence`, `SYSTEM_ERROR` or another rejection, else the result code."""
        if self.response is None:
            return "silence"
        found = self.fields
        return found.get("rejected") or found.get("result_code") or found.get("sub_code") or self.response[:20]

    @property
    def is_turned_away(self) -> bool:
        """Whether the gateway refused it for who called or how it was signed: what it asks was not looked at."""
        return self.fields.get("rejected") in _AT_THE_DOOR

    @property
    def status(self) -> str:
        """What a query tells of the trade."""
        return self.fields.get("alipay_trans_status", "") or self.fields.get("trade_status", "")

    @property
    def code(self) -> str:
        """The reason of a refusal."""
        return self.fields.get("error", "") or self.fields.get("detail_error_code", "")

    @property
    def is_unclear(self) -> bool:
        """Whether the outcome is open after this answer: silence, a system error, or a signature that fails."""
        return self.result in ("silence", "SYSTEM_ERROR", "UNKNOWN") or self.planned == "bad_signature"

    @property
    def is_believable(self) -> bool:
        """Whether its signature holds."""
        return self.planned != "bad_signature"

    def is_repeat_of(self, other: Call) -> bool:
        """The same request once more: every parameter is the same but signature and time."""
        return self.service == other.service and _lasting(self.asked) == _lasting(other.asked)


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """A notification and what was answered to it. `kind`: `first`, `again`, `older`, `spoiled`, `wrong amount`."""

    at: datetime
    number: str
    kind: str
    status: int
    answer: str
    said: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the integration answered `success`."""
        return self.status == 200 and self.answer == "success"


class Told(msgspec.Struct, frozen=True, tag="told"):
    """What the integration said through its adapter. `problem`: why there was no proper answer."""

    at: datetime
    hook: str
    asked: dict[str, Any]
    answered: dict[str, Any]
    problem: str = ""

    @property
    def status(self) -> str:
        """Where the integration thinks the order stands."""
        return str(self.answered.get("status", ""))

    @property
    def number(self) -> str:
        """The order it is about."""
        return str(self.answered.get("order") or self.asked.get("order") or "")


class Visit(msgspec.Struct, frozen=True, tag="visit"):
    """A phone opened a page of the integration. `agent` is the kind of phone, `ended_at` the last address."""

    at: datetime
    agent: str
    address: str
    steps: list[str]
    status: int
    page: str = ""

    @property
    def was_authorized(self) -> bool:
        """Whether the page sent the phone to Alipay's authorization."""
        return any("publicAppAuthorize" in step for step in self.steps)


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """What the validator did: a fault planned, a clock moved, somebody paid. `words` is a key of the texts."""

    at: datetime
    words: str
    number: str = ""
    values: dict[str, str] = {}


Event: TypeAlias = Call | Notice | Told | Visit | Mark


class Timeline(msgspec.Struct, frozen=True, dict=True):
    """Everything about one case. `until` is when it was looked at; `driven`: an adapter answered too.

    `facts` are what only the staging knows; `passed` and `failed` are the cases before this one."""

    events: tuple[Event, ...] = ()
    until: datetime | None = None
    driven: bool = False
    hooks: frozenset[str] = frozenset()
    facts: dict[str, str] = {}
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls at the local Alipay."""
        return tuple(event for event in self.events if isinstance(event, Call))

    @cached_property
    def notices(self) -> tuple[Notice, ...]:
        """The notifications."""
        return tuple(event for event in self.events if isinstance(event, Notice))

    @cached_property
    def told(self) -> tuple[Told, ...]:
        """What the integration said."""
        return tuple(event for event in self.events if isinstance(event, Told))

    @cached_property
    def visits(self) -> tuple[Visit, ...]:
        """Pages that phones opened."""
        return tuple(event for event in self.events if isinstance(event, Visit))

    def after(self, call: Call) -> tuple[Call, ...]:
        """The calls behind one, in the log's order: a clock that stands still can't tell."""
        place = next(index for index, each in enumerate(self.calls) if each is call)
        return self.calls[place + 1 :]

    def of(self, kind: str, number: str = "") -> tuple[Call, ...]:
        """The calls of one kind, about one order or all."""
        return tuple(call for call in self.calls if call.kind == kind and (not number or call.number == number))

    def orders(self) -> Iterator[Order]:
        """Every order that was opened, by its first call."""
        seen = set()
        for call in self.calls:
            if call.kind in OPENING and call.number not in seen:
                seen.add(call.number)
                yield Order(self, call)

    def answers(self, hook: str, number: str = "") -> tuple[Told, ...]:
        """What one hook said, about one order or all."""
        return tuple(said for said in self.told if said.hook == hook and (not number or said.number == number))


def other_wire(calls: Iterable[Call]) -> str:
    """The gateway that all payments here went to, where it is none that the cases are about; else empty."""
    services = {call.service for call in calls}
    if any(service.startswith(_XML) for service in services):
        return ""
    if any(service.startswith("alipay.trade.") for service in services):
        return "Open API (method=alipay.trade.…)"
    return "Alipay+ (/ams/…)" if any(service.startswith("/ams/") for service in services) else ""


#: Calls that open an order.
OPENING: Final = ("pay", "create", "precreate")


class Order:
    """One order within a timeline: `opening` is its first call."""

    def __init__(self, timeline: Timeline, opening: Call) -> None:
        self.timeline = timeline
        self.opening = opening
        self.number = opening.number

    def of(self, kind: str) -> tuple[Call, ...]:
        """Its calls of one kind."""
        return self.timeline.of(kind, self.number)

    @property
    def later(self) -> tuple[Call, ...]:
        """Its calls after the first."""
        mine = [call for call in self.timeline.calls if call.number == self.number]
        return tuple(call for call in mine if call is not self.opening)

    def seconds(self, call: Call) -> float:
        """How long after the order was opened."""
        return (call.at - self.opening.at).total_seconds()

    @property
    def standings(self) -> tuple[Told, ...]:
        """What the integration said of it, in order."""
        return tuple(
            said for said in self.timeline.told if said.number == self.number and said.status and not said.problem
        )

    @property
    def standing(self) -> Told | None:
        """Where the integration thinks it stands at the end; None when it was not asked."""
        return self.standings[-1] if self.standings else None

    @property
    def paid_at(self) -> Call | None:
        """The first believable answer that says it is paid."""
        mine = (self.opening, *self.later)
        paid = (each for each in mine if each.is_believable and _says_paid(each))
        return next(paid, None)

    @property
    def code(self) -> str:
        """The payment code that was scanned."""
        return self.opening.asked.get("buyer_identity_code", "")


def _says_paid(call: Call) -> bool:
    if call.kind == "pay":
        return call.result == "SUCCESS" or call.code == "TRADE_HAS_SUCCESS"
    return call.kind == "query" and call.status in ("TRADE_SUCCESS", "TRADE_FINISHED")


def _lasting(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in _OF_THE_MOMENT}
