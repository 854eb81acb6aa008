"""A small integration of its own, right in every case, and wrong in one way for each switch it is given.

It shares nothing with the product but signing and the wire. Its clock is pushed by `/advance`; nothing waits."""

from __future__ import annotations

import heapq
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from saoma.alipay.signing import md5_signatory, rsa_signatory, string_to_sign
from saoma.alipay.wire import Answer, form, parse_form, read_answer, read_openapi_answer
from saoma.kit.clock import beijing

PARTNER = "2088000000000001"
KEY = "abcdefghijklmnopqrstuvwxyz123456"
WORDS = {
    "BUYER_BALANCE_NOT_ENOUGH": "There is not enough money in the wallet. Ask for another way to pay.",
    "SOUNDWAVE_PARSER_FAIL": "The code could not be read. Ask the customer to show it again.",
    "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": "The wallet's limit for today is reached. Ask for another way to pay.",
}
STORE = {
    "secondary_merchant_id": "SM_1",
    "secondary_merchant_name": "Noodle House",
    "secondary_merchant_industry": "5812",
    "store_id": "ST_1",
    "store_name": "Harbour Road",
}


@dataclass
class Order:
    """One order as the shop keeps it."""

    number: str
    amount: str
    fields: dict[str, str]
    solution: str = ""
    opened: float = 0.0
    status: str = "waiting"
    receipts: int = 0
    message: str = ""
    needs_person: bool = False
    alarm: bool = False
    cancels: int = 0
    cancelling: bool = False
    looks: int = 0
    trade_no: str = ""
    refunds: dict[str, str] = field(default_factory=dict)

    def paid(self) -> None:
        """Money came; once."""
        if self.status not in ("paid", "closed"):
            self.status, self.receipts = "paid", self.receipts + 1

    @property
    def standing(self) -> dict[str, Any]:
        """As its adapter tells it."""
        return {
            "order": self.number, "status": self.status, "receipts": self.receipts, "message": self.message,
            "needs_person": self.needs_person, "alarm": self.alarm, "amount": self.amount,
        }  # fmt: skip


@dataclass
class Gateway:
    """Where it calls, and as whom."""

    url: str
    partner: str = PARTNER
    key: str = KEY


class Shop:
    """The integration. `wrong` are the switches that are on; `used` are those that were ever looked at."""

    def __init__(self, gateway: str, session: aiohttp.ClientSession, wrong: Iterable[str] = ()) -> None:
        self.home = ""
        self.sandbox = gateway
        self.gateway = self.first = Gateway(f"{gateway}/gateway.do")
        self.app_keys: tuple[str, str] = ("", "")
        self.app_id = "2016000000000000"
        self.wrong = set(wrong)
        self.used: set[str] = set()
        self.orders: dict[str, Order] = {}
        self.sessions: dict[str, str] = {}
        self.states: set[str] = set()
        self.heard: set[str] = set()
        self.time = 0.0
        self.silent = False
        self._session = session
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)
        self._jobs: list[tuple[float, int, Callable[[], Awaitable[None]]]] = []

    def is_wrong(self, switch: str) -> bool:
        """Whether it does this one thing wrong."""
        self.used.add(switch)
        return switch in self.wrong

    def forget(self) -> None:
        """Another day: nothing is under way, nobody is known."""
        self._jobs.clear()
        self.orders.clear()
        self.sessions.clear()
        self.used.clear()

    # --- time -------------------------------------------------------------------------------------------------------

    def after(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        """Do something later."""
        heapq.heappush(self._jobs, (self.time + seconds, next(self._numbers), job))

    async def advance(self, seconds: float) -> dict[str, Any]:
        """Time passes; what is due is done."""
        self.time += seconds
        while self._jobs and self._jobs[0][0] <= self.time + 1e-6:
            await heapq.heappop(self._jobs)[2]()
        return {"next_in": round(self._jobs[0][0] - self.time, 6) if self._jobs else None}

    # --- the wire ---------------------------------------------------------------------------------------------------

    async def call(self, service: str, **fields: str) -> Answer | None:
        """One request; None for no answer and for one whose signature does not hold."""
        gateway = self.gateway
        signatory = md5_signatory(gateway.key)
        whole = {"service": service, "partner": gateway.partner, "_input_charset": "UTF-8", **fields}
        if service in ("alipay.acquire.cancel", "alipay.acquire.create"):
            whole["timestamp"] = f"{beijing(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}"
        signed = whole | {"sign_type": "MD5", "sign": signatory.sign(string_to_sign(whole).encode())}
        body = form({name: value for name, value in signed.items() if name != "_input_charset"}, "UTF-8")
        head = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
        try:
            async with self._session.post(f"{gateway.url}?_input_charset=UTF-8", data=body, headers=head) as said:
                answer = read_answer(await said.read())
            self.silent = False
        except (aiohttp.ClientError, TimeoutError):
            self.silent = True
            return None
        if answer.is_success and not answer.is_signed_by(signatory, "UTF-8") and not self.is_wrong("believes_anything"):
            return None
        return answer

    def new_number(self) -> str:
        """An order number nobody used."""
        return f"P{self._run}{next(self._numbers):06d}"

    # --- paying -----------------------------------------------------------------------------------------------------

    async def pay(self, body: dict[str, Any]) -> dict[str, Any]:
        """A cashier scans, or a page orders."""
        if body.get("solution") == "taxi" and not body.get("vehicle") and not self.is_wrong("ignores_vehicle"):
            return {"status": "asks", "asks": "vehicle"}
        if body.get("method") == "wallet_page":
            return await self.order_on_page(body)
        code = str(body["code"])
        if len(code) > 18 and self.is_wrong("cuts_code"):
            code = code[:18]
        shop = dict(STORE)
        if self.is_wrong("no_industry"):
            del shop["secondary_merchant_industry"]
        number = self.new_number()
        fields = {
            "alipay_seller_id": self.gateway.partner, "trans_name": "Noodle soup", "partner_trans_id": number,
            "currency": body["currency"], "trans_amount": body["amount"], "buyer_identity_code": code,
            "identity_code_type": "barcode", "trans_create_time": f"{beijing(datetime.now(UTC)):%Y%m%d%H%M%S}",
            "biz_product": "OVERSEAS_MBARCODE_PAY", "extend_info": json.dumps(shop),
            "notify_url": f"{self.home}/notify",
        }  # fmt: skip
        if self.gateway is not self.first and self.is_wrong("adds_a_field"):
            fields["memo"] = "second environment"
        if body.get("vehicle") and not self.is_wrong("drops_vehicle"):
            fields["trans_name"] = f"Ride with {body['vehicle']}"
        order = self.orders[number] = Order(number, body["amount"], fields, body.get("solution", ""), self.time)
        await self.send_pay(order)
        return order.standing

    async def send_pay(self, order: Order) -> None:
        """The payment request, first or again, and what follows from its answer."""
        again = order.looks > 0
        fields = order.fields
        if again and self.is_wrong("changes_repeat"):
            fields = fields | {"trans_name": "Noodle soup, again"}
        answer = await self.call("alipay.acquire.overseas.spot.pay", **fields)
        said = answer.fields.get("result_code", "") if answer and answer.is_success else ""
        code = answer.fields.get("error", "") if answer else ""
        if said == "SUCCESS" or code == "TRADE_HAS_SUCCESS":
            order.paid()
            if not again and self.is_wrong("pays_twice"):
                await self.call("alipay.acquire.overseas.spot.pay", **fields)
            if order.solution == "ticket" and not self.is_wrong("no_query_after_success"):
                self.after(3.5, lambda: self.look(order))
            return
        if said == "FAILED":
            order.status = "failed"
            order.message = WORDS.get(code, "The payment did not work. Ask for another way to pay.")
            if self.is_wrong("shows_codes"):
                order.message = f"Payment failed: {code}"
            if self.is_wrong("says_nothing"):
                order.message = ""
            if self.is_wrong("same_words"):
                order.message = "The payment did not work."
            if self.is_wrong("receipt_on_failure"):
                order.receipts = 1
            return
        if answer is not None and not answer.is_success and answer.error != "SYSTEM_ERROR":
            order.status = "failed"
            return
        if answer is None and self.silent and self.is_wrong("forgets_after_silence"):
            return
        silent = answer is None and self.silent and self.is_wrong("new_number_after_silence")
        if silent or (answer is not None and not said and self.is_wrong("new_number_after_error")):
            number = self.new_number()
            other = self.orders[number] = Order(
                number, order.amount, order.fields | {"partner_trans_id": number}, order.solution, self.time
            )
            await self.call("alipay.acquire.overseas.spot.pay", **other.fields)
        if not order.looks:
            first = {"fast_food": 5.0, "ticket": 3.5}.get(order.solution, 4.0)
            self.after(12.0 if self.is_wrong("asks_late") else first, lambda: self.look(order))

    async def look(self, order: Order) -> None:
        """Ask what became of an order, until it is known or its minute is over."""
        if order.cancelling or order.status in ("closed", "failed"):
            return
        order.looks += 1
        answer = await self.call("alipay.acquire.overseas.query", partner_trans_id=order.number)
        said = answer.fields if answer and answer.is_success else {}
        if said.get("alipay_trans_status") == "TRADE_SUCCESS":
            order.paid()
            return
        if order.status == "paid":
            return
        if said.get("alipay_trans_status") == "TRADE_CLOSED":
            order.status = "closed"
            return
        if said.get("error") == "TRADE_NOT_EXIST":
            if self.is_wrong("leaves_open"):
                return
            await self.send_pay(order)
            if order.status != "waiting":
                return
        if answer is not None and not answer.is_success and self.is_wrong("asks_once"):
            return
        waited = self.time - order.opened
        if waited >= (20 if self.is_wrong("cancels_early") else 60):
            if not self.is_wrong("never_cancels"):
                await self.cancel(order)
            return
        gap = {"fast_food": 5.0, "ticket": 3.5}.get(order.solution, 4.0)
        if order.solution == "fast_food" and self.is_wrong("polls_slowly"):
            gap = 8.0
        if waited < 15 and self.is_wrong("asks_too_often"):
            gap = 1.0
        self.after(min(gap, 60 - waited), lambda: self.look(order))

    async def cancel(self, order: Order) -> None:
        """Undo it, until that is certain, refused or hopeless."""
        order.cancelling = True
        order.cancels += 1
        answer = await self.call("alipay.acquire.cancel", out_trade_no=order.number)
        said = answer.fields if answer and answer.is_success else {}
        if said.get("result_code") == "SUCCESS":
            order.status = "closed"
            return
        if said.get("result_code") == "FAIL" and said.get("retry_flag") == "N":
            order.needs_person = order.alarm = True
            order.status = "closed" if self.is_wrong("closes_after_no") else "needs_person"
            if self.is_wrong("cancels_after_no") and order.cancels < 3:
                self.after(5, lambda: self.cancel(order))
            return
        if self.is_wrong("cancels_once") or (order.cancels >= 2 and self.is_wrong("cancels_twice")):
            order.status, order.needs_person = "needs_person", True
            return
        if order.cancels >= 12:
            order.status = "needs_person"
            hidden = order.solution == "ticket" and self.is_wrong("ticket_not_listed")
            order.needs_person = not (hidden or self.is_wrong("calls_nobody"))
            order.alarm = not self.is_wrong("no_alarm")
            if self.is_wrong("cancels_for_ever") and order.cancels < 70:
                self.after(30, lambda: self.cancel(order))
            return
        self.after(min(2.0**order.cancels, 60), lambda: self.cancel(order))

    async def refund(self, order: Order, amount: str, refund_no: str = "", tries: int = 0) -> dict[str, Any]:
        """Give money back, with one number until that is certain."""
        refund_no = refund_no or f"R{self.new_number()}"
        if order.status != "paid":
            return order.standing
        answer = await self.call(
            "alipay.acquire.overseas.spot.refund", partner_trans_id=order.number, partner_refund_id=refund_no,
            refund_amount=amount, currency="USD", is_sync="Y",
        )  # fmt: skip
        said = answer.fields.get("result_code", "") if answer and answer.is_success else ""
        if said == "SUCCESS":
            order.refunds[refund_no] = amount
        elif said != "FAILED":
            if answer is not None and self.is_wrong("refunds_once"):
                return order.standing
            if tries >= 6 and not self.is_wrong("no_refund_alarm"):
                order.alarm = True
            again = "" if answer is None and self.is_wrong("new_refund_number") else refund_no
            if tries < 12:

                async def repeat() -> None:
                    await self.refund(order, amount, again, tries + 1)

                self.after(min(3.0 * 2**tries, 900), repeat)
        return order.standing

    # --- being told -------------------------------------------------------------------------------------------------

    def notified(self, body: bytes) -> str:
        """A notification; what is answered."""
        told = parse_form(body, "UTF-8")
        good = md5_signatory(self.gateway.key).verify(string_to_sign(told).encode(), told.get("sign", ""))
        if not good and not self.is_wrong("accepts_forged"):
            return "fail"
        order = self.orders.get(told["out_trade_no"])
        if order is None:
            if told["out_trade_no"].startswith("SQ") and not self.is_wrong("shop_not_told"):
                amount = "1.00" if self.is_wrong("tells_wrong_amount") else told["total_fee"]
                order = self.orders[told["out_trade_no"]] = Order(told["out_trade_no"], amount, {})
                order.paid()
            return "success"
        if told["total_fee"] != order.amount and not self.is_wrong("ignores_amount"):
            return "fail"
        late = _moment(told["notify_time"]) - _moment(told["gmt_create"])
        if late > timedelta(minutes=30) and self.is_wrong("refuses_late"):
            return "fail"
        if told["trade_status"] == "TRADE_SUCCESS":
            if told["notify_id"] in self.heard and self.is_wrong("books_twice"):
                order.receipts += 1
            self.heard.add(told["notify_id"])
            order.paid()
        elif told["trade_status"] == "WAIT_BUYER_PAY" and self.is_wrong("older_wins"):
            order.status = "waiting"
        return "OK" if self.is_wrong("says_ok") else "success"

    # --- the wallet page --------------------------------------------------------------------------------------------

    async def order_on_page(self, body: dict[str, Any]) -> dict[str, Any]:
        """The diner presses pay."""
        buyer = self.sessions.get(body.get("cookies", {}).get("shop", ""), "")
        if not buyer:
            return {"status": "failed", "message": "Open the menu in Alipay first."}
        if self.is_wrong("wrong_buyer"):
            async with self._session.get(f"{self.sandbox}/control/buyers") as said:
                known = [each["user_id"] for each in (await said.json())["buyers"]]
            buyer = next(each for each in known if each != buyer)
        number = self.new_number()
        fields = {
            "buyer_id": buyer, "currency": "USD", "trans_currency": "USD", "out_trade_no": number,
            "extend_params": json.dumps(STORE),
            "notify_url": f"{self.home}/notify", "product_code": "OVERSEAS_MBARCODE_PAY", "subject": "Noodle soup",
            "total_fee": body["amount"],
        }  # fmt: skip
        order = self.orders[number] = Order(number, body["amount"], fields, body.get("solution", ""), self.time)
        answer = await self.call("alipay.acquire.create", **fields)
        if answer is not None and answer.is_success:
            order.trade_no = answer.fields.get("trade_no", "")
        self.after(4, lambda: self.look(order))
        return order.standing | {"page_url": f"{self.home}/pay/{number}"}

    async def token(self, code: str) -> str:
        """Who it is that came back with a code."""
        signatory = rsa_signatory("RSA2", self.app_keys[0], None)  # type: ignore[arg-type]
        fields = {
            "app_id": self.app_id, "method": "alipay.system.oauth.token", "charset": "utf-8", "version": "1.0",
            "timestamp": f"{beijing(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}", "grant_type": "authorization_code",
            "code": code, "sign_type": "RSA2",
        }  # fmt: skip
        signed = fields | {"sign": signatory.sign(string_to_sign(fields, keep_sign_type=True).encode())}
        async with self._session.post(self.gateway.url, data=signed) as said:
            return str(read_openapi_answer(await said.read()).fields.get("user_id", ""))

    # --- the rest ---------------------------------------------------------------------------------------------------

    async def register(self) -> dict[str, Any]:
        """The store is told to Alipay."""
        if not self.is_wrong("never_registers"):
            answer = await self.call(
                "alipay.overseas.secmerchant.offline.maintain", **_REGISTRATION,
                timestamp=f"{beijing(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}",
            )  # fmt: skip
            assert answer is not None and answer.is_success, answer
        return {"store_id": STORE["store_id"]}

    async def shop_code(self) -> dict[str, Any]:
        """A code to print for the wall."""
        data = {
            **STORE, "currency": "USD", "trans_currency": "USD", "country_code": "SG", "address": "1 Harbour Road",
        }  # fmt: skip
        answer = await self.call(
            "alipay.commerce.qrcode.create", biz_type="OVERSEASHOPQRCODE", biz_data=json.dumps(data),
            notify_url=f"{self.home}/notify", timestamp=f"{beijing(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}",
        )  # fmt: skip
        assert answer is not None and answer.is_success, answer
        return {"code_url": answer.fields["qrcode"]}

    async def reconcile(self, day: str) -> dict[str, Any]:
        """Compare Alipay's file of a day with the books."""
        name = f"{self.gateway.partner}_transaction_{day.replace('-', '')}.txt"
        async with self._session.get(f"{self.sandbox}/control/daily-files/{self.gateway.partner}/{name}") as said:
            text = await said.text()
        wrong = [
            order.number
            for order in self.orders.values()
            if order.status == "paid"
            and order.number in text
            and not any(order.number in line and order.amount in line for line in text.splitlines())
        ]
        return {"differences": [] if self.is_wrong("misses_difference") else wrong}

    def switch(self, body: dict[str, Any]) -> dict[str, Any]:
        """To another environment, or back."""
        if body.get("back"):
            self.gateway = self.first
        elif not self.is_wrong("keeps_partner"):
            self.gateway = Gateway(body["gateway"], body["partner"], body["md5_key"])
        return {}


#: What a store is registered with.
_REGISTRATION = {
    "secondary_merchant_id": STORE["secondary_merchant_id"],
    "secondary_merchant_name": STORE["secondary_merchant_name"],
    "store_id": STORE["store_id"],
    "store_name": STORE["store_name"],
    "store_country": "SG",
    "store_address": "1 Harbour Road",
    "store_industry": "5812",
}


def _moment(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M:%S %z")
