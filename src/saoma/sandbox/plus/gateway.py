"""The Alipay+ gateway (AMS): every check in its order, then the operation, then whatever misbehaviour is planned.

Everything is answered with HTTP 200 and a `result`; where the caller could not be told from anybody else (unknown
client, wrong signature) the answer is not signed (https://global.alipay.com/docs/ac/ams/digital_signature,
https://global.alipay.com/docs/ac/ams/api)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from saoma.alipay.signing import Signatory
from saoma.kit.errors import Refused
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults.faults import Fault, FaultKind, Faults, fault_of_code
from saoma.sandbox.faults.late_payers import pay_after, pay_now
from saoma.sandbox.mapi.gateway import Forger
from saoma.sandbox.plus.choices import DEFAULT, PlusChoices
from saoma.sandbox.plus.codes import TO_STRANGERS, result
from saoma.sandbox.plus.model import Answer, Call, Failed, iso
from saoma.sandbox.plus.payments import Payments
from saoma.sandbox.plus.reading import UPM, Unfit, fault_in, read_body, scenario_of, text
from saoma.sandbox.plus.signing import ALGORITHM, read_signature, text_to_sign, write_signature

#: Where the operations are; clients whose id begins with SANDBOX_ may put `sandbox` in.
PATHS: Final = ("/ams/api/v1/payments/", "/ams/sandbox/api/v1/payments/")
OPERATIONS: Final = ("pay", "inquiryPayment", "cancel", "refund", "inquiryRefund")
#: What a planned misbehaviour and the call log call them.
SERVICES: Final = tuple(f"{PATHS[0]}{operation}" for operation in OPERATIONS)
CONTENT_TYPE: Final = "application/json; charset=UTF-8"

_SANDBOX: Final = "SANDBOX_"
_TIME: Final = re.compile(r"\d{13}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_CHARSET: Final = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came. `address` is the path with its query; header names are in small letters."""

    method: str
    address: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def client_id(self) -> str:
        """Who says to be calling."""
        return self.headers.get("client-id", "")

    @property
    def time(self) -> str:
        """`Request-Time` as it was sent, which is as it was signed."""
        return self.headers.get("request-time", "")

    @property
    def text(self) -> bytes:
        """What the caller should have signed."""
        return text_to_sign(self.address, self.client_id, self.time, self.body)


@dataclass(frozen=True, slots=True)
class PlusReply:
    """What goes back. `body` None: nothing ever does, and the connection is dropped after `wait` seconds."""

    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0


class _Stop(Exception):
    """The gateway refuses; `why` is for the developer who reads the call log."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.why = why


class Plus:
    """Answers everything under `/ams`."""

    def __init__(self, book: Book, partners: Partners, faults: Faults, choices: PlusChoices = DEFAULT) -> None:
        self._book = book
        self._partners = partners
        self._faults = faults
        self._choices = choices
        self.payments = Payments(book, choices)

    def answer(self, heard: Heard) -> PlusReply:
        """One call."""
        signs: Signatory | None = None
        partner = self._partners.of_client(heard.client_id)
        body: Mapping[str, Any] = {}
        with self._book.store.writing():
            self.payments.pass_time()
            why, wait, said = "", 0.0, None
            try:
                operation = _operation(heard)
                signs = self._known_caller(heard, partner)
                try:
                    body = read_body(heard.body)
                except Unfit as unfit:
                    raise _Stop("PARAM_ILLEGAL", str(unfit)) from None
                if fault := fault_in(operation, body):
                    raise _Stop("PARAM_ILLEGAL", fault)
                assert partner is not None
                said, signs, wait, why = self._carried_out(operation, Call(partner, body), signs)
            except _Stop as stop:
                said, why = {"result": result(self._choices.spelled(stop.code))}, stop.why
            reply = PlusReply(None, wait=wait) if said is None else self._written(said, heard, signs, wait)
            self._log(heard, partner, body, reply, why)
        return reply

    def _known_caller(self, heard: Heard, partner: Partner | None) -> Signatory:
        if partner is None:
            raise _Stop("CLIENT_INVALID", f"no partner has the client id {heard.client_id!r}")
        if not _TIME.fullmatch(heard.time):
            raise _Stop("PARAM_ILLEGAL", "Request-Time is an ISO 8601 time with offset, or milliseconds since 1970")
        self._check_fresh(heard.time)
        signature = read_signature(heard.headers.get("signature", ""))
        if signature is None:
            raise _Stop("SIGNATURE_INVALID", "the Signature header is algorithm=RSA256,keyVersion=1,signature=…")
        if signature.algorithm != ALGORITHM:
            raise _Stop("SIGNATURE_INVALID", f"the algorithm is {ALGORITHM}")
        signatory = self._partners.client_signatory(partner, signature.key_version)
        if signatory is None:
            raise _Stop("KEY_NOT_FOUND", f"this client has no key of version {signature.key_version}")
        if not signatory.verify(heard.text, signature.value):
            raise _Stop("SIGNATURE_INVALID", f"the text to sign is {heard.text.decode(errors='replace')}")
        return signatory

    def _check_fresh(self, time: str) -> None:
        allowed, moment = timedelta(minutes=self._choices.clock_minutes), _moment(time)
        if allowed and self._book.is_off(moment, allowed):
            why = f"Request-Time is too far from the time here: it is {iso(self._book.clock.now())}"
            raise _Stop("PARAM_ILLEGAL", why)

    def _carried_out(self, operation: str, call: Call, signs: Signatory) -> tuple[Answer | None, Signatory, float, str]:
        fault = self._fault(operation, call)
        said, signs, wait, why = self._with_fault(operation, call, signs, fault)
        return said, signs, wait + (fault.late if fault else 0), why

    def _with_fault(
        self, operation: str, call: Call, signs: Signatory, fault: Fault | None
    ) -> tuple[Answer | None, Signatory, float, str]:
        kind = fault.fault if fault else None
        wait = fault.seconds if fault else 0.0
        planned = fault.why if fault else ""
        owner, number = call.partner.partner, self._number(call.body, call.partner)
        match kind:
            case FaultKind.SILENCE_BEFORE:
                return None, signs, wait, planned
            case FaultKind.SYSTEM_ERROR_BEFORE | FaultKind.UNAVAILABLE_BEFORE:
                return {"result": result("UNKNOWN_EXCEPTION")}, signs, 0, planned
            case FaultKind.UNKNOWN if operation.startswith("inquiry"):
                return {"result": result("UNKNOWN_EXCEPTION")}, signs, 0, planned
            case FaultKind.REJECTED:
                raise _Stop(fault.code if fault and fault.code else "ACCESS_DENIED", planned)
            case FaultKind.PAID_FIRST:
                pay_now(self._book, owner, number, fault.who if fault else "")
                why = planned
            case _:
                why = planned
        hold = kind is FaultKind.UNKNOWN or (kind is FaultKind.PAYS_LATE and scenario_of(call.body) == UPM)
        try:
            if kind is FaultKind.REFUSED:
                said = self.payments.refused(operation, call, fault.code if fault and fault.code else "PROCESS_FAIL")
            else:
                said = self.payments.operations[operation](Call(call.partner, call.body, hold=hold))
        except Failed as failed:
            said, why = {"result": result(failed.code)}, failed.why or planned
            said |= {name: text(call.body, name) for name in ("paymentRequestId",) if text(call.body, name)}
        except Refused as refused:
            said, why = {"result": result("PROCESS_FAIL")}, str(refused)
        match kind:
            case FaultKind.SILENCE_AFTER:
                return None, signs, wait, planned
            case FaultKind.SYSTEM_ERROR_AFTER | FaultKind.UNAVAILABLE_AFTER:
                return {"result": result("UNKNOWN_EXCEPTION")}, signs, 0, planned
            case FaultKind.BAD_SIGNATURE:
                return said, Forger(signs), 0, planned
            case FaultKind.PAYS_LATE:
                pay_after(self._book, owner, number, wait, fault.who if fault else "")
                return said, signs, 0, planned
            case _:
                return said, signs, 0, why

    def _fault(self, operation: str, call: Call) -> Fault | None:
        fault = self._faults.take(f"{PATHS[0]}{operation}", call.partner.partner, self._number(call.body, call.partner))
        if fault is not None or operation != "pay" or scenario_of(call.body) != UPM:
            return fault
        if self.payments.is_known(call.partner.partner, text(call.body, "paymentRequestId")):
            return None
        return fault_of_code(text(call.body, "paymentMethod.paymentMethodId"))

    def _written(self, said: Answer, heard: Heard, signs: Signatory | None, wait: float) -> PlusReply:
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        time = iso(self._book.clock.now())
        headers = {"Content-Type": CONTENT_TYPE, "Client-Id": heard.client_id, "Response-Time": time}
        if signs is not None and said["result"]["resultCode"] not in TO_STRANGERS:
            text_ = text_to_sign(heard.address, heard.client_id, time, body)
            headers["Signature"] = write_signature(signs, text_)
        return PlusReply(body, headers, wait)

    def _number(self, body: Mapping[str, Any], partner: Partner | None) -> str:
        number = text(body, "paymentRequestId")
        payment = None if number else self.payments.by_id(text(body, "paymentId"))
        return payment.request_id if payment and partner and payment.partner == partner.partner else number

    def _log(self, heard: Heard, partner: Partner | None, body: Mapping[str, Any], reply: PlusReply, why: str) -> None:
        number = self._number(body, partner)
        operation = heard.address.partition("?")[0].rpartition("/")[2]
        service = f"{PATHS[0]}{operation}" if operation in OPERATIONS else heard.address
        asked = {
            "Client-Id": heard.client_id,
            "Request-Time": heard.time,
            "Signature": heard.headers.get("signature", ""),
            "body": heard.body.decode(errors="replace"),
        }
        said = None if reply.body is None else reply.body.decode()
        at, who = self._book.clock.now().isoformat(), partner.partner if partner else ""
        self._book.store.log(at, service, who, number, asked, said, why)


def _moment(time: str) -> datetime:
    """A `Request-Time` of the right form. Raises `_Stop` for one that is no time."""
    try:
        return datetime.fromtimestamp(int(time) / 1000, UTC) if time.isdigit() else datetime.fromisoformat(time)
    except (ValueError, OverflowError):
        raise _Stop("PARAM_ILLEGAL", "Request-Time is no time") from None


def _operation(heard: Heard) -> str:
    """Which operation is asked for. Raises `_Stop`."""
    path = heard.address.partition("?")[0]
    known = {f"{begins}{operation}": operation for begins in PATHS for operation in OPERATIONS}
    if path not in known:
        raise _Stop("NO_INTERFACE_DEF", f"the operations are {', '.join(SERVICES)}")
    if path.startswith(PATHS[1]) and not heard.client_id.startswith(_SANDBOX):
        raise _Stop("NO_INTERFACE_DEF", "only clients whose id begins with SANDBOX_ have /sandbox in the path")
    if heard.method != "POST":
        raise _Stop("METHOD_NOT_SUPPORTED")
    if not _CHARSET.fullmatch(heard.headers.get("content-type", "").strip()):
        raise _Stop("MEDIA_TYPE_NOT_ACCEPTABLE", "the Content-Type is application/json; charset=UTF-8")
    return known[path]
