"""Whatever is sent, the gateway answers in its own words, signed over its own text, and the book adds up."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saoma.sandbox.openapi.gateway import METHODS
from tests.sandbox import make as sandboxes
from tests.sandbox.make import ALICE, CODE
from tests.sandbox.openapi.make import Desk, desk

WHOLE = {
    "out_trade_no": "T1", "scene": "bar_code", "auth_code": CODE, "subject": "a", "total_amount": "12.50",
    "refund_amount": "1.00", "out_request_no": "R1", "buyer_id": ALICE, "bill_type": "trade", "bill_date": "2024-01-05",
}  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.integers(), max_size=2),
    st.text(st.characters(), max_size=70), st.sampled_from(["", "T2", "R2", "0.01", "1e5", "90m", "USD", "JPY", "1c"]),
)  # fmt: skip
NAMES = st.sampled_from([*WHOLE, "trade_no", "trans_currency", "timeout_express", "time_expire", "query_options", "x"])


@pytest.fixture(scope="module")
def till() -> Desk:
    return desk()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), changes=st.dictionaries(NAMES, ODD, max_size=3))
def test_any_content_is_answered_and_the_answer_is_signed(till: Desk, method: str, changes: dict[str, object]) -> None:
    body = till.send(till.signed(method, json.dumps({**WHOLE, **changes})))
    said = till.read(body)
    assert said.is_signed_by(sandboxes.partner_signatory())
    assert said.fields.get("code", "token") in {"10000", "10003", "40001", "40002", "40004", "token"}
    for trade in till.sandbox.book.trades.values():
        given_back = sum(one.amount for one in till.sandbox.book.refunds_of(trade) if one.state == "SUCCESS")
        assert given_back <= trade.amount


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.binary(max_size=200), body=st.binary(max_size=200))
def test_any_bytes_are_answered(till: Desk, query: bytes, body: bytes) -> None:
    reply = till.sandbox.openapi.answer(b"method=alipay.trade.pay&" + query, body)
    assert till.read(reply.body or b"").fields["code"] in {"40001", "40002"}


def test_half_a_character_is_no_text(till: Desk) -> None:
    content = json.dumps({**WHOLE, "out_trade_no": "T9"}).replace('"a"', '"a\\ud800"')
    assert till.ask("alipay.trade.pay", content)["sub_code"] == "ACQ.INVALID_PARAMETER"
    assert till.status("T9") == "ACQ.TRADE_NOT_EXIST"
