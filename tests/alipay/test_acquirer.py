"""An acquirer's answers and webhooks, read: what counts, what proves nothing, what is not about us."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from saoma.alipay.acquirer import Acquirer
from saoma.alipay.acquirer_client import AcquirerAccount, ApiReply
from saoma.gateway import AwaitingBuyer, BadNotice, Closed, Notice, Paid, Unclear
from saoma.kit.clock import MovableClock
from saoma.kit.money import Money

STORE, SECRET, OURS = "sto_1", "whsec_test", "S2026"
MONEY = Money(1250, "USD")


class Told:
    """A client that is told what the acquirer answers."""

    def __init__(self, *payments: Mapping[str, Any], more: str | None = None) -> None:
        self.page = msgspec.json.encode({"items": list(payments), "next_cursor": more})

    async def get(self, account: AcquirerAccount, about: str, path: str, query: Mapping[str, str]) -> ApiReply:
        """The page."""
        assert (path, query["reference"], query["store"]) == ("/payments", OURS, STORE)
        return ApiReply(200, self.page, "")


def payment(**changes: Any) -> dict[str, Any]:
    """A payment as the partner API tells it."""
    return {
        "id": "pay_1", "status": "pending", "amount": "12.50", "currency": "USD", "method": "order_code",
        "trade_no": "", "refunded": "0.00", "reference": OURS, "store": STORE, "paid_at": None,
        "qr_code": "https://qr.alipay.com/x", "code": "", "gave_back": False, **changes,
    }  # fmt: skip


def at(client: Any = None) -> Acquirer:
    """The gateway."""
    account = AcquirerAccount(url="http://127.0.0.1:1", api_key="sk_test", store=STORE, webhook_secret=SECRET)
    return Acquirer(account, client, MovableClock())


async def test_a_reference_with_undone_links_is_the_one_that_is_not() -> None:
    undone = payment(id="pay_0", status="cancelled", qr_code="", code="no_code")
    report = await at(Told(payment(), undone)).query(OURS, MONEY)
    assert isinstance(report, AwaitingBuyer)
    assert report.qr_code == "https://qr.alipay.com/x"
    paid = payment(status="succeeded", trade_no="2026")
    assert isinstance(await at(Told(paid, undone)).query(OURS, MONEY), Paid)


async def test_a_reference_whose_links_are_all_undone_is_closed() -> None:
    links = [payment(id=f"pay_{number}", status="cancelled") for number in (2, 1, 0)]
    assert isinstance(await at(Told(*links)).query(OURS, MONEY), Closed)


@pytest.mark.parametrize(
    "pages",
    [
        [payment(), payment(id="pay_2", status="succeeded", trade_no="1")],
        [payment(reference="other")],
        [payment(store="sto_2")],
        [payment(amount="12,50")],
    ],
)
async def test_an_answer_that_could_be_two_payments_or_somebody_elses_proves_nothing(pages: list[Any]) -> None:
    assert isinstance(await at(Told(*pages)).query(OURS, MONEY), Unclear)


async def test_a_page_that_is_not_the_last_proves_nothing() -> None:
    assert isinstance(await at(Told(payment(status="failed"), more="x")).query(OURS, MONEY), Unclear)


def read(kind: str, data: Mapping[str, Any]) -> Notice | BadNotice:
    """What the gateway makes of a signed event."""
    gateway = at()
    body = msgspec.json.encode({"id": "evt_1", "type": kind, "created_at": "2026-03-02T10:00:00Z", "data": data})
    stamp = str(int(gateway._clock.now().timestamp()))
    mark = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return gateway.read_notice({"body": body.decode(), "signature": f"t={stamp},v1={mark}"}, "USD")


def refund(**changes: Any) -> dict[str, Any]:
    """A refund as a webhook tells it."""
    return {
        "id": "ref_1", "payment": "pay_1", "status": "succeeded", "amount": "2.50", "currency": "USD", "reason": "",
        "key": "RF1", "payment_reference": OURS, "store": STORE, **changes,
    }  # fmt: skip


def test_a_refund_that_ended_names_our_number_and_sum_and_says_nothing_of_the_payment() -> None:
    notice = read("refund.succeeded", refund())
    assert isinstance(notice, Notice)
    assert (notice.order_number, notice.settles_refund, notice.refused) == (OURS, "RF1", "")
    assert notice.refund_amount == Money(250, "USD")
    assert isinstance(notice.report, AwaitingBuyer)


def test_a_refund_that_was_not_made_is_a_no() -> None:
    notice = read("refund.failed", refund(status="failed"))
    assert isinstance(notice, Notice)
    assert notice.refused


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("refund.succeeded", refund(store="sto_2")),
        ("refund.succeeded", refund(payment_reference="")),
        ("refund.succeeded", refund(status="pending")),
        ("refund.succeeded", refund(amount="-2.50")),
        ("refund.succeeded", payment()),
        ("payment.succeeded", refund()),
        ("payment.succeeded", payment(store="sto_2", status="succeeded")),
        ("payment.refunded", payment()),
    ],
)
def test_an_event_that_is_not_about_us_or_makes_no_sense_is_refused(kind: str, data: dict[str, Any]) -> None:
    assert isinstance(read(kind, data), BadNotice)
