"""A code that is not accepted has one word on the wire for three reasons; the call log tells them apart."""

from __future__ import annotations

from tests.sandbox import make
from tests.sandbox.make import Running


async def why(wire: Running, number: str, code: str) -> str:
    answer = await wire.call(make.pay_fields(number, code))
    assert answer.fields["error"] == "SOUNDWAVE_PARSER_FAIL"
    (call,) = (await wire.control("GET", f"calls?out_trade_no={number}"))["calls"]
    return str(call["why"])


async def test_the_call_log_says_why_a_payment_code_was_not_accepted(wire: Running) -> None:
    code = (await wire.control("POST", "buyers/anna/payment-code"))["code"]
    assert "nothing between them" in await why(wire, "BLANKS", f"{code[:4]} {code[4:8]} {code[8:]}")
    assert (await wire.call(make.pay_fields("ONCE", code))).fields["result_code"] == "SUCCESS"
    assert "was used for ONCE" in await why(wire, "TWICE", code)
    late = (await wire.control("POST", "buyers/anna/payment-code"))["code"]
    await wire.advance(seconds=120)
    assert "too long ago" in await why(wire, "LATE", late)
