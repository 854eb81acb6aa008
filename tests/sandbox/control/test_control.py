"""The control API as others use it: its names are fixed, its refusals are problems with a sentence."""

from __future__ import annotations

from datetime import datetime

import pytest

from saoma.alipay.signing import SignType, rsa_signatory
from saoma.alipay.wire import read_answer
from saoma.sandbox.book.model import Partner
from saoma.sandbox.control.people import NewPartner
from saoma.sandbox.lifetimes import end_of, is_lifetime
from tests.sandbox import make
from tests.sandbox.make import KEY, LUNCH, PARTNER, Running


async def test_a_partner_made_by_control_may_call_at_once(wire: Running) -> None:
    partner = "2088000000000777"
    asked = {
        "partner": partner, "app_id": "2016000000000777", "sign_type": "RSA2", "md5_key": None,
        "public_key": make.partner_keys()[1], "currency": "SGD",
    }  # fmt: skip
    said = await wire.control("POST", "partners", asked)
    assert said["partner"] == partner
    signatory = rsa_signatory(SignType.RSA2, make.partner_keys()[0], said["alipay_public_key"])
    fields = make.pay_fields(partner=partner, alipay_seller_id=partner, currency="SGD")
    answer = read_answer(await wire.send(make.signed(fields, signatory)))
    assert answer.fields["result_code"] == "SUCCESS"
    assert answer.is_signed_by(signatory, "UTF-8")
    listed = await wire.control("GET", f"trades?partner={asked['partner']}")
    assert [(one["amount"], one["currency"], one["status"]) for one in listed["trades"]] == [
        ("12.50", "SGD", "TRADE_SUCCESS")
    ]
    assert (await wire.control("GET", f"trades?partner={PARTNER}"))["trades"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"partner": "1", "md5_key": KEY},
        {"partner": "2088000000000777"},
        {"partner": "2088000000000777", "sign_type": "RSA2"},
        {"partner": "2088000000000777", "sign_type": "RSA2", "public_key": "nonsense"},
        {"partner": "2088000000000777", "sign_type": "DSA", "md5_key": KEY},
        {"partner": "2088000000000777", "md5_key": KEY, "currency": "XXX"},
        {"partner": "2088000000000777", "md5_key": KEY, "app_id": make.APP},
    ],
)
async def test_a_partner_that_cannot_be_is_refused_with_a_sentence(wire: Running, wrong: dict[str, str]) -> None:
    problem = await wire.control("POST", "partners", wrong, status=422)
    assert len(problem["detail"]) > 20
    assert len(wire.sandbox.partners.all()) == 1


@pytest.mark.parametrize("balance", ["20.10", 20.1])
async def test_a_buyer_made_by_control_pays_with_a_code(wire: Running, balance: object) -> None:
    made = await wire.control("POST", "buyers", {"id": "dora", "balance": balance, "pin_required": True})
    assert (made["balance"], made["pin_required"]) == ("20.10", True)
    code = (await wire.control("POST", "buyers/dora/payment-code"))["code"]
    answer = await wire.call(make.pay_fields("N", code, trans_amount="2.00"))
    assert answer.fields["result_code"] == "UNKNOWN"
    assert (await wire.control("POST", "trades/N/pay"))["buyer_id"] == "dora"
    buyers = {one["id"]: one["balance"] for one in (await wire.control("GET", "buyers"))["buyers"]}
    assert buyers["dora"] == "5.90"


async def test_a_buyer_may_be_named_by_a_2088_number(wire: Running) -> None:
    made = await wire.control("POST", "buyers", {"id": "2088102000000001", "balance": 100, "pin_required": False})
    assert made["user_id"] == "2088102000000001"
    answer = await wire.call(make.create_fields("N", buyer_id="2088102000000001"))
    assert (await wire.control("GET", "trades/N"))["trade_no"] == answer.fields["trade_no"]


async def test_buyers_that_cannot_be_are_refused(wire: Running) -> None:
    for wrong in (
        {"id": "an na"},
        {"id": "a", "balance": -1},
        {"id": "a", "balance": "0.001"},
        {"id": "a", "pin": "1"},
    ):
        await wire.control("POST", "buyers", wrong, status=422)
    await wire.control("POST", "buyers/nobody/payment-code", status=404)


async def test_a_refused_trade_is_closed(wire: Running) -> None:
    await wire.call(make.create_fields("N"))
    refused = await wire.control("POST", "trades/N/refuse")
    assert (refused["status"], refused["close_reason"]) == ("TRADE_CLOSED", "refused")
    problem = await wire.control("POST", "trades/N/pay", status=409)
    assert "closed" in problem["detail"]
    await wire.control("POST", "trades/NEVER/pay", status=404)


async def test_a_code_nobody_scanned_is_paid_by_whom_control_names(wire: Running) -> None:
    fields = make.create_fields("N", service=make.PRECREATE)
    del fields["buyer_id"]
    await wire.call(fields)
    paid = await wire.control("POST", "trades/N/pay", {"buyer_id": "anna"})
    assert (paid["status"], paid["buyer_id"]) == ("TRADE_SUCCESS", "anna")


async def test_what_was_given_back_is_told_in_the_list(wire: Running) -> None:
    await wire.call(make.pay_fields("A"))
    await wire.call(make.refund_fields("A"))
    await wire.call(make.pay_fields("B"))
    await wire.call(make.cancel_fields("B"))
    trades = (await wire.control("GET", "trades"))["trades"]
    assert [(one["out_trade_no"], one["refunded"], one["status"]) for one in trades] == [
        ("A", "2.50", "TRADE_SUCCESS"), ("B", "12.50", "TRADE_CLOSED"),
    ]  # fmt: skip


async def test_the_clock_tells_both_walls_and_does_not_go_back(wire: Running) -> None:
    said = await wire.control("POST", "clock", {"advance_seconds": 90})
    assert said == {"now": "2024-01-05T04:17:02+00:00", "beijing": "2024-01-05 12:17:02"}
    await wire.control("POST", "clock", {"advance_seconds": -1}, status=422)


async def test_the_call_log_can_be_narrowed(wire: Running) -> None:
    for number in ("A", "B", "A"):
        await wire.call(make.basic(make.QUERY, partner_trans_id=number))
    only = (await wire.control("GET", f"calls?partner={PARTNER}&out_trade_no=A&limit=1"))["calls"]
    assert [call["out_trade_no"] for call in only] == ["A"]
    assert (await wire.control("GET", "calls?partner=2088000000000002"))["calls"] == []
    assert len((await wire.control("GET", "calls"))["calls"]) == 3


async def test_the_api_describes_itself(wire: Running) -> None:
    described = await wire.control("GET", "openapi.json")
    paths = {path.removeprefix("/control") for path in described["paths"]}
    assert {"/partners", "/buyers", "/faults", "/clock", "/trades", "/calls"} <= paths
    assert not [path for path in described["paths"] if not path.startswith("/control")]


async def test_the_sandbox_says_that_it_is_alive_and_ready(wire: Running) -> None:
    for path in ("healthz", "readyz"):
        async with wire.client.get(f"{wire.url}/{path}") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        *[(text, True) for text in ("1m", "15d", "360h", "21600m", "1c", "90m")],
        *[(text, False) for text in ("0m", "16d", "361h", "1.5h", "2c", "", "m")],
    ],
)
def test_a_time_to_pay_is_one_minute_to_fifteen_days(text: str, legal: bool) -> None:  # noqa: FBT001
    assert is_lifetime(text) is legal


def test_one_c_is_the_end_of_the_beijing_day() -> None:
    assert end_of("1c", LUNCH) == datetime(2024, 1, 6, tzinfo=LUNCH.tzinfo)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("partners", {"sing_type": "RSA"}, "there is no 'sing_type' in it (did you mean 'sign_type'?)"),
        ("buyers", {"id": "zoe", "blance": "3"}, "there is no 'blance' in it (did you mean 'balance'?)"),
        ("faults", {"service": "*", "fault": "delayed"}, "fault can't be 'delayed' (did you mean 'delay'?)"),
        ("trades/N/pay", {"buyer": "anna"}, "there is no 'buyer' in it (did you mean 'buyer_id'?)"),
        ("clock", {"advance_seconds": "long"}, "advance_seconds: expected `float`, got `str`"),
        ("clock", None, "it has no body"),
    ],
)  # fmt: skip
async def test_a_mistake_in_a_body_is_named_as_one_in_the_file(
    wire: Running, path: str, body: dict[str, str] | None, words: str
) -> None:
    before = wire.sandbox.partners.find(PARTNER)
    problem = await wire.control("POST", path, body, status=400)
    assert (problem["title"], problem["status"]) == ("Invalid", 400)
    assert problem["detail"] == f"This request is wrong: {words}."
    assert wire.sandbox.partners.find(PARTNER) is before


def test_a_partner_may_be_told_all_that_the_book_keeps_of_one() -> None:
    assert {*NewPartner.__struct_fields__} == {*Partner.__struct_fields__}
