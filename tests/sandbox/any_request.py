"""Random requests to all three gateways of the local Alipay, and what must hold after each: `make storm`.

Valid calls, calls with nonsense in them, calls whose bytes were changed on their way, wrong signatures of every kind,
wrong charsets and plain noise arrive in any order, while buyers pay, the clock moves, contracts change and faults are
planned. A failure tells its seed and its request; keys differ from run to run, so another run may not come to it."""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from saoma.alipay.signing import SignType, md5_signatory, rsa_signatory, string_to_sign
from saoma.alipay.wire import Unreadable, codec, form, parse_form, read_answer, read_openapi_answer
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.sandbox.book.model import Partner, TradeStatus
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults.faults import Fault, FaultKind, fits
from saoma.sandbox.mapi import forex
from saoma.sandbox.mapi.autodebit import sign_agreement
from saoma.sandbox.mapi.gateway import OPERATIONS
from saoma.sandbox.openapi.gateway import METHODS
from saoma.sandbox.plus.codes import TO_STRANGERS
from saoma.sandbox.plus.gateway import OPERATIONS as PLUS_OPERATIONS
from saoma.sandbox.plus.gateway import PATHS, Heard
from saoma.sandbox.plus.signing import read_signature, text_to_sign, write_signature
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.book.test_currencies_and_timers import SMALLEST
from tests.sandbox.make import ALICE, CODE, PARTNER
from tests.sandbox.plus import make as plus

#: Who calls: one with MD5 and RSA2, one with RSA of the old kind.
OLD = "2088000000000002"
OLD_APP = "2016000000000002"
NUMBERS = ["A", "B", "C", "W", "2024010521001000000000000001", "R-1", "R-2"]
NONSENSE = [
    "", " ", "0", "-1", "1e9", "NaN", "٣", "null", "[]", "{}", "[[[[", '{"a":{"b":[]}}', "牛肉面", "\x00", "\ufffe",
    "😀", "<a>&amp;]]>", "a=b&c=d", "100000000.01", "0.001", "1" * 5000, "2024-01-05 12:15:00", "20240230", "USD",
    "JPY", "HKD", "XXX", "Y", "N", "true", "'\"`", "\r\n", "http://127.0.0.1:9/n", ALICE, "12.5", "2024-01-05",
]  # fmt: skip
ODD: list[Any] = [*NONSENSE, None, True, 7, -0.5, [], {}, [1], {"a": "b"}]
CONTENT = {
    "out_trade_no": "A", "scene": "bar_code", "auth_code": CODE, "subject": "a", "total_amount": "12.50",
    "refund_amount": "1.00", "out_request_no": "R-1", "buyer_id": ALICE, "bill_type": "trade",
    "bill_date": "2024-01-05",
}  # fmt: skip
MORE_CONTENT = (*CONTENT, "trade_no", "trans_currency", "timeout_express", "time_expire", "query_options", "colour")
SILENT = ("silence", "outage")


def wealth(book: Book) -> int:
    """Every fen there is: in wallets, and taken for trades that stand."""
    paid = [trade for trade in book.trades.values() if trade.paid_at]
    taken = sum(trade.cny for trade in paid if trade.close_reason not in ("cancelled", "reversed"))
    given = sum(refund.cny for refund in book.refunds.values() if refund.state == "SUCCESS")
    return sum(buyer.balance for buyer in book.buyers()) + taken - given


class Watched(Store):
    """A store in memory that counts what is written of money and trades."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    def keep(self, kind: str, key: str, record: Any) -> None:
        """Count, and keep."""
        self.written += kind in ("trade", "refund", "buyer")
        super().keep(kind, key, record)


class Storm:
    """One sandbox and a dice; `strike` sends one request and checks what comes back."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        choices = Choices(acquire_refund_takes_all=True, forex_refund_gap_seconds=0)
        self.contracts = [
            plus.partner(),
            Partner(OLD, OLD_APP, sign_type="RSA", md5_key=make.KEY, public_key=make.partner_keys()[1]),
        ]
        self.store = Watched()
        self.store.keep("key", "alipay", make.alipay_keys())
        settings = make.settings(choices=choices, partners=self.contracts)
        self.desk = make.Desk(Sandbox(settings, make.clock(), store=self.store))
        self.turn = 0
        self.last: object = None
        self.payment_ids = ["1"]
        self.book = self.desk.book
        self.signatories = {
            "MD5": md5_signatory(make.KEY),
            "RSA": make.partner_signatory(SignType.RSA),
            "RSA2": make.partner_signatory(SignType.RSA2),
            "stranger": rsa_signatory(SignType.RSA2, make.alipay_keys()[0], None),
        }
        #: What the sandbox verifies requests with: the signatories above verify its answers.
        self.callers = {"MD5": self.signatories["MD5"]} | {
            kind.value: rsa_signatory(kind, None, make.partner_keys()[1]) for kind in (SignType.RSA, SignType.RSA2)
        }
        self.agreement = sign_agreement(self.book, PARTNER, "anna").agreement_no
        forex.open_trade(self.book, PARTNER, "W", "Lamp", Money(20_00, "USD"), "USD", "anna", "")
        self.wealth = wealth(self.book)
        self.fault: Fault | None = None
        self.heard: Counter[str] = Counter()

    # --- what happens ------------------------------------------------------------------------------------------------

    def strike(self) -> None:
        """Something may happen; then one request."""
        self._something_happens()
        gateway = self.dice.choice(["xml", "xml", "open", "open", "plus"])
        before = self._written()
        said = {"xml": self._xml, "open": self._open, "plus": self._plus}[gateway]()
        self.heard[f"{gateway} {said.partition(' ')[0]}"] += 1
        self.last = f"{self.last!r} {said}"
        if said.startswith("refused") and self.fault is None:
            assert self._written() == before, "a refused call changed the book"
        self.turn += 1
        if self.turn % (len(self.book.trades) // 10 + 1) == 0:
            self.check_wealth()

    def check_wealth(self) -> None:
        """No fen appeared or disappeared."""
        assert wealth(self.book) == self.wealth, "a fen went astray"

    def _something_happens(self) -> None:
        dice = self.dice
        self.desk.sandbox.faults.clear()
        self.fault = None
        if dice.random() < 0.1:
            services = [*OPERATIONS, *METHODS, *(f"{PATHS[0]}{name}" for name in PLUS_OPERATIONS)]
            service, kind = dice.choice(services), dice.choice([*FaultKind])
            if fits(kind, service) and not any(word in kind.value for word in SILENT):
                self.fault = Fault(service, kind, code="PAYMENT_FAIL", seconds=0)
                self.desk.sandbox.faults.plan(self.fault)
        if dice.random() < 0.05:
            self.desk.advance(minutes=dice.choice([1, 3, 60, 600]))
        if dice.random() < 0.1:
            self._some_buyer_acts()
        if dice.random() < 0.02:
            self._some_contract_changes()

    def _some_buyer_acts(self) -> None:
        trade = self.dice.choice([*self.book.trades.values()][-20:])
        with contextlib.suppress(Refused):
            if trade.status is TradeStatus.ORDERED:
                self.book.scan(self.book.code_url(trade.qr_token), self.dice.choice(["anna", "alice"]))
            else:
                self.book.pay(trade.trade_no, trade.buyer_id, self.dice.choice(["123456", "123456", "000000"]))

    def _some_contract_changes(self) -> None:
        dice = self.dice
        contract = dice.choice(self.contracts)
        changes: dict[str, Any] = {
            "region": dice.choice(["global", "global", "hk"]), "out_of_funds": dice.random() < 0.3,
            "suspended": dice.random() < 0.1, "day_limit": dice.choice([None, None, Decimal(5000)]),
            "currencies": dice.choice([[], [], ["USD", "CNY"]]),
        }  # fmt: skip
        self.desk.sandbox.partners.add(msgspec.structs.replace(contract, **changes))

    def _written(self) -> int:
        """How often money and trades were written, once time has passed."""
        self.book.pass_time()
        self.desk.sandbox.plus.payments.pass_time()
        return self.store.written

    def _number(self) -> str:
        """An order number: one that everybody uses, one of a moment ago, or a fresh one."""
        return self.dice.choice([*NUMBERS, *(f"N{self.turn - back}" for back in (0, 0, 0, 1, 2, 5, 9))])

    def _mutated(self, data: bytes) -> bytes:
        """The same with a few bytes changed, lost, doubled or made up."""
        dice, made = self.dice, bytearray(data)
        for _ in range(dice.choice([1, 1, 2, 5])):
            place = dice.randrange(len(made) + 1)
            match dice.randrange(4):
                case 0:
                    made[place : place + 1] = bytes([dice.randrange(256)])
                case 1:
                    del made[place : place + dice.choice([1, 1, 20])]
                case 2:
                    made[place:place] = made[place : place + dice.choice([1, 30])]
                case _:
                    made[place:place] = dice.randbytes(dice.choice([1, 3]))
        return bytes(made)

    def _signed(self, fields: Mapping[str, str], kind: str, encoding: str, *, open_api: bool) -> dict[str, str]:
        """Signed in one of the right ways, in a wrong one, or not at all."""
        dice = self.dice
        chance = dice.random()
        if chance < 0.05:
            kind = dice.choice([*self.signatories])
        whole = dict(fields) | {"sign_type": "RSA2" if kind == "stranger" else kind}
        text = string_to_sign(whole, keep_sign_type=open_api).encode(encoding, "surrogatepass")
        sign = self.signatories[kind].sign(text)
        if chance > 0.97:
            sign = dice.choice(["", "x", sign[:-2], sign.swapcase(), "AAAA" * 86, "0" * 32, sign + "=="])
        if 0.95 < chance < 0.97:
            whole["sign_type"] = dice.choice(["", "md5", "DSA", "RSA", "RSA2", "MD5", "SHA512"])
        return whole | {"sign": sign}

    # --- the XML gateway ---------------------------------------------------------------------------------------------

    def _xml(self) -> str:
        dice = self.dice
        query, body = b"", b""
        if dice.random() < 0.05:
            query = dice.choice([b"service=alipay.acquire.close&", b""]) + dice.randbytes(dice.randrange(80))
        else:
            fields = self._xml_fields()
            charset = fields.get("_input_charset", "GBK")
            try:
                encoding = codec(charset)
                kind = dice.choice(["MD5", "RSA2"]) if fields.get("partner") != OLD else dice.choice(["RSA", "MD5"])
                query = form(self._signed(fields, kind, encoding, open_api=False), charset)
            except (Unreadable, UnicodeEncodeError):
                query = urlencode(fields, errors="replace").encode()
            if dice.random() < 0.1:
                query = self._mutated(query)
        if dice.random() < 0.5:
            query, body = b"", query
        self.last = query, body
        reply = self.desk.sandbox.mapi.answer(query, body)
        assert reply.body is not None
        if reply.content_type.startswith("text/plain"):
            return "text"
        said = read_answer(reply.body)
        if not said.is_success:
            assert said.error
            assert said.error.replace("_", "").isalnum()
            assert not said.sign
            return f"refused {said.error}"
        asked = self._reread(query, body)
        signatory, caller = (known[asked["sign_type"]] for known in (self.signatories, self.callers))
        encoding = codec(asked.get("_input_charset", "GBK"))
        assert caller.verify(string_to_sign(asked).encode(encoding), asked["sign"]), "a wrong signature was believed"
        if said.fields and not self._forges(asked["service"]):
            assert said.is_signed_by(signatory, asked.get("_input_charset", "GBK")), reply.body
            assert said.sign_type == asked["sign_type"]
            assert said.request["service"] == asked["service"]
            assert said.request["partner"] == asked["partner"]
        result = said.fields.get("result_code", "SUCCESS")
        return "refused by the trade" if result in ("FAIL", "FAILED", "ORDER_FAIL") else "answered"

    def _xml_fields(self) -> dict[str, str]:
        dice = self.dice
        service = dice.choice([*sorted(SMALLEST), *([make.PAY, make.CREATE, make.QUERY, make.CANCEL, make.REFUND] * 3)])
        fields = dict(SMALLEST[service])
        fields["_input_charset"] = dice.choice(["UTF-8", "utf-8", "GBK", "gb2312", "GB2312"])
        if dice.random() < 0.3:
            for name in ("partner", "alipay_seller_id"):
                if name in fields:
                    fields[name] = OLD
        for name in fields:
            if name in ("partner_trans_id", "out_trade_no", "trade_no", "partner_refund_id", "out_return_no"):
                fields[name] = self._number()
        if "agreement_info" in fields:
            fields["agreement_info"] = f'{{"agreement_no":"{self.agreement}"}}'
        for _ in range(dice.choice([0, 0, 0, 0, 1, 2])):
            name = dice.choice([*fields, "trade_no", "notify_url", "is_sync", "colour"])
            if name not in ("service", "partner", "_input_charset"):
                fields[name] = dice.choice(NONSENSE + NUMBERS)
        for _ in range(dice.choice([0, 0, 0, 0, 0, 0, 1])):
            fields.pop(dice.choice(sorted(fields)))
        if dice.random() < 0.02:
            fields["_input_charset"] = dice.choice(["UTF-7", "utf-16", "latin-1", "", "\u00e9", "GB18030"])
        return fields

    def _reread(self, query: bytes, body: bytes) -> dict[str, str]:
        """What an accepted call must have meant, whichever charset it names."""
        for charset in ("UTF-8", "GBK"):
            with contextlib.suppress(Unreadable):
                fields = parse_form(query, charset) | parse_form(body, charset)
                named = fields.get("_input_charset") or "GBK"
                if codec(named) == codec(charset):
                    return fields
        raise AssertionError("an unreadable call was answered")

    def _forges(self, service: str) -> bool:
        fault = self.fault
        return fault is not None and fault.fault is FaultKind.BAD_SIGNATURE and fault.service == service

    # --- the Open API ------------------------------------------------------------------------------------------------

    def _open(self) -> str:
        dice = self.dice
        method = dice.choice(METHODS)
        if dice.random() < 0.05:
            query = b"method=" + method.encode() + b"&" + dice.randbytes(dice.randrange(80))
        else:
            query = self._open_query(method)
            if dice.random() < 0.1:
                query = b"method=" + self._mutated(query.removeprefix(b"method="))
        body = b""
        if dice.random() < 0.5:
            head, _, rest = query.partition(b"&")
            query, body = head, rest
        self.last = query, body
        reply = self.desk.sandbox.openapi.answer(query, body)
        assert reply.body is not None
        charset = reply.content_type.rpartition("=")[2]
        said = read_openapi_answer(reply.body, charset)
        code = str(said.fields.get("code", ""))
        is_signed = bool(said.sign)
        if is_signed and not self._forges(method):
            assert any(said.is_signed_by(self.signatories[kind]) for kind in ("RSA", "RSA2")), reply.body
        if not code or code in ("10000", "10003"):
            assert is_signed, "a good answer was not signed"
            asked = {**parse_form(query, charset), **parse_form(body, charset)}
            text = string_to_sign(asked, keep_sign_type=True).encode(codec(charset))
            assert self.callers[asked["sign_type"]].verify(text, asked["sign"]), "a wrong signature was believed"
            return "answered"
        assert code in {"20000", "20001", "40001", "40002", "40004", "40006"}, code
        return f"refused {said.fields.get('sub_code')}" if code != "20000" else "answered"

    def _open_query(self, method: str) -> bytes:
        dice = self.dice
        content = dict(CONTENT) | {"out_trade_no": self._number(), "out_request_no": self._number()}
        for _ in range(dice.choice([0, 0, 1, 2])):
            content[dice.choice(MORE_CONTENT)] = dice.choice([*ODD, *NUMBERS])
        text = json.dumps(content, ensure_ascii=dice.random() < 0.5)
        is_old = dice.random() < 0.3
        fields = {
            "method": method, "app_id": OLD_APP if is_old else make.APP, "format": "JSON",
            "charset": dice.choice(["utf-8", "UTF-8", "GBK", "gb2312"]), "timestamp": "2024-01-05 12:15:32",
            "version": "1.0", "biz_content": text,
        }  # fmt: skip
        if method.endswith("oauth.token"):
            fields |= {"grant_type": "authorization_code", "code": dice.choice(NONSENSE)}
        if dice.random() < 0.1:
            fields[dice.choice([*fields, "encrypt_type", "app_cert_sn", "colour"])] = dice.choice(NONSENSE)
        if dice.random() < 0.05:
            fields.pop(dice.choice([name for name in fields if name != "method"]))
        encoding = "gbk" if fields.get("charset", "").lower() in ("gbk", "gb2312") else "utf-8"
        fields["method"] = method
        try:
            whole = self._signed(fields, "RSA" if is_old else "RSA2", encoding, open_api=True)
            return urlencode(whole, encoding=encoding).encode()
        except UnicodeEncodeError:
            return urlencode(fields, errors="replace").encode()

    # --- Alipay+ -----------------------------------------------------------------------------------------------------

    def _plus(self) -> str:
        dice = self.dice
        operation = dice.choice(PLUS_OPERATIONS)
        raw = json.dumps(self._plus_body(operation), ensure_ascii=dice.random() < 0.5).encode("utf-8", "replace")
        if dice.random() < 0.05:
            raw = dice.randbytes(dice.randrange(60))
        path = f"{dice.choice(PATHS)}{operation}"
        if dice.random() < 0.02:
            path = dice.choice([f"{path}/", f"{path}?a=b", "/ams/api/v1/payments/steal", "/ams/"])
        signatory = self.signatories["stranger" if dice.random() < 0.03 else "RSA2"]
        text = text_to_sign(path, plus.CLIENT, plus.TIME, raw)
        if dice.random() < 0.08:
            raw = self._mutated(raw)
        headers = {
            "content-type": "application/json; charset=UTF-8", "client-id": plus.CLIENT, "request-time": plus.TIME,
            "signature": write_signature(signatory, text),
        }  # fmt: skip
        if dice.random() < 0.1:
            headers[dice.choice([*headers])] = dice.choice([*NONSENSE, headers["signature"][:-3]])
        heard = Heard(dice.choice(["POST"] * 30 + ["GET"]), path, headers, raw)
        self.last = heard
        reply = self.desk.sandbox.plus.answer(heard)
        assert reply.body is not None
        said = json.loads(reply.body)
        code, status = said["result"]["resultCode"], said["result"]["resultStatus"]
        signature = read_signature(reply.headers.get("Signature", ""))
        right = self.signatories["RSA2"]
        if signature is not None and not self._forges(f"{PATHS[0]}{operation}"):
            told = text_to_sign(path, reply.headers["Client-Id"], reply.headers["Response-Time"], reply.body)
            assert right.verify(told, signature.value), reply.body
        assert (signature is None) or code not in TO_STRANGERS, code
        if payment_id := said.get("paymentId"):
            self.payment_ids = [*self.payment_ids[-9:], payment_id]
        if status == "F":
            return f"refused {code}"
        if status == "S" or code == "PAYMENT_IN_PROCESS":
            given = read_signature(headers["signature"])
            assert given is not None, "an unsigned call was believed"
            assert self.callers["RSA2"].verify(heard.text, given.value), "a wrong signature was believed"
            assert signature is not None, "a good answer was not signed"
        return "answered"

    def _plus_body(self, operation: str) -> dict[str, Any]:
        dice, number = self.dice, self._number()
        match operation:
            case "pay":
                body = dice.choice([plus.pay_body, plus.order_code_body])(f"P{number}")
            case "refund":
                amount = {"currency": "USD", "value": dice.choice(["1231", "1", "700"])}
                body = {"paymentId": dice.choice(self.payment_ids), "refundRequestId": f"P{dice.choice(NUMBERS)}R"}
                body |= {"refundAmount": amount, "isAsyncRefund": dice.choice(["true", "false"])}
            case "inquiryRefund":
                body = {"refundRequestId": f"P{number}R"}
            case _:
                body = {"paymentId": dice.choice(self.payment_ids)}
                body = dice.choice([body, {"paymentRequestId": f"P{number}"}])
        for _ in range(dice.choice([0, 0, 0, 1, 2])):
            place: Any = body
            while isinstance(place, dict) and place:
                name = dice.choice(sorted(place))
                if isinstance(place[name], dict) and dice.random() < 0.7:
                    place = place[name]
                    continue
                place[name] = copy.deepcopy(dice.choice(ODD))
                break
        return body


def played(seed: int, requests: int) -> Counter[str]:
    """A history of random requests: how many of each gateway were answered, refused, or answered with a text."""
    storm = Storm(seed)
    for turn in range(requests):
        try:
            storm.strike()
        except BaseException as failure:
            failure.add_note(f"seed {seed}, request {turn}, fault {storm.fault}: {storm.last}")
            raise
    storm.check_wealth()
    return storm.heard


def main() -> None:
    """`python -m tests.sandbox.any_request --requests 100000 --seed 1`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.perf_counter()
    heard = played(asked.seed, asked.requests)
    took = timedelta(seconds=round(time.perf_counter() - began))
    print(f"{heard.total()} requests in {took} (seed {asked.seed}): all answered by the rules, no fen astray")
    for what, count in sorted(heard.items()):
        print(f"  {what:<16}{count:>8}")


if __name__ == "__main__":
    main()
