"""Three clients of the Open API that nobody here wrote: whole payments, their error paths, and what each gets wrong."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from saoma.alipay.signing import string_to_sign
from tests.clients import playing
from tests.clients.installing import NPM
from tests.clients.playing import AES_KEY, COMMUNITY, Alipay, Client, alipay_keys, partner_keys

PAY, QUERY, CANCEL = "alipay.trade.pay", "alipay.trade.query", "alipay.trade.cancel"
REFUND, REFUND_QUERY = "alipay.trade.refund", "alipay.trade.fastpay.refund.query"
ALICE = "2088000000009999"
_numbers = itertools.count(1)


@pytest.fixture(params=["official", "community", "node"])
def client(request: pytest.FixtureRequest) -> Client:
    made: Client = request.getfixturevalue(request.param)
    return made


def order(alipay: Alipay, code: str = "", amount: str = "12.50", **more: Any) -> dict[str, Any]:
    number = f"C{next(_numbers)}"
    asked = {"out_trade_no": number, "scene": "bar_code", "auth_code": code or alipay.code(), "subject": "面 Noodles",
             "total_amount": amount}  # fmt: skip
    return asked | more


def test_a_payment_is_taken_queried_refunded_in_part_and_told(alipay: Alipay, client: Client) -> None:
    asked = order(alipay)
    named = {"out_trade_no": asked["out_trade_no"]}
    paid = client.ask(PAY, asked, notify_url=alipay.notify_url)
    assert (paid["code"], paid["total_amount"], len(paid["trade_no"])) == ("10000", "12.50", 28)
    found = client.ask(QUERY, named)
    assert (found["trade_status"], found["trade_no"]) == ("TRADE_SUCCESS", paid["trade_no"])
    told = alipay.notification(asked["out_trade_no"])
    assert (told["trade_status"], told["total_amount"]) == ("TRADE_SUCCESS", "12.50")
    assert client.do("verify", fields=told)["said"] is True
    assert client.do("verify", fields=told | {"total_amount": "0.01"})["said"] is False
    part = client.ask(REFUND, named | {"refund_amount": "2.50", "out_request_no": "R1"})
    assert (part["fund_change"], part["refund_fee"]) == ("Y", "2.50")
    assert client.ask(REFUND, named | {"refund_amount": "2.50", "out_request_no": "R1"})["fund_change"] == "N"
    assert client.ask(REFUND_QUERY, named | {"out_request_no": "R1"})["refund_amount"] == "2.50"
    assert "refund_amount" not in client.ask(REFUND_QUERY, named | {"out_request_no": "R9"})
    beyond = client.ask(REFUND, named | {"refund_amount": "10.01", "out_request_no": "R2"})
    assert beyond["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"


def test_a_payment_that_waits_is_polled_and_cancelled(alipay: Alipay, client: Client) -> None:
    asked = order(alipay, "281234567890123491")
    named = {"out_trade_no": asked["out_trade_no"]}
    assert client.ask(PAY, asked)["code"] == "10003"
    assert client.ask(QUERY, named)["trade_status"] == "WAIT_BUYER_PAY"
    gone = client.ask(CANCEL, named)
    assert (gone["action"], gone["retry_flag"]) == ("close", "N")
    assert client.ask(QUERY, named)["trade_status"] == "TRADE_CLOSED"


def test_orders_are_created_and_shown_as_codes(alipay: Alipay, client: Client) -> None:
    wanted = {"total_amount": "3.00", "subject": "Tea"}
    created = {"out_trade_no": f"C{next(_numbers)}", "buyer_id": ALICE}
    assert len(client.ask("alipay.trade.create", wanted | created)["trade_no"]) == 28
    assert client.ask("alipay.trade.close", {"out_trade_no": created["out_trade_no"]})["code"] == "10000"
    number = f"C{next(_numbers)}"
    shown = client.ask("alipay.trade.precreate", wanted | {"out_trade_no": number})
    assert shown["qr_code"].startswith("https://qr.alipay.com/bax")
    assert client.ask(QUERY, {"out_trade_no": number})["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    alipay.control("POST", f"trades/{number}/pay", {"buyer_id": "anna"})
    assert client.ask(QUERY, {"out_trade_no": number})["trade_status"] == "TRADE_SUCCESS"
    assert client.ask(CANCEL, {"out_trade_no": number})["action"] == "refund"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("281234567890123492", "ACQ.PAYMENT_AUTH_CODE_INVALID"),
        ("poor", "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        ("281234567890123495", "ACQ.SYSTEM_ERROR"),
    ],
)
def test_a_payment_that_fails_is_read_as_one(alipay: Alipay, client: Client, code: str, word: str) -> None:
    failed = client.ask(PAY, order(alipay, alipay.code("poor") if code == "poor" else code))
    assert (failed["code"], failed["sub_code"]) == ("40004", word)
    assert failed.get("is_success", False) is False


def test_an_order_that_can_not_be_made_is_read_as_failed(alipay: Alipay, client: Client) -> None:
    wanted = {"out_trade_no": f"C{next(_numbers)}", "total_amount": "3.00", "subject": "Tea"}
    nobody = client.ask("alipay.trade.create", wanted | {"buyer_id": "2088000000000777"})
    assert (nobody["code"], nobody["sub_code"]) == ("40004", "ACQ.BUYER_NOT_EXIST")
    alipay.plan("alipay.trade.create", "system_error_after")
    assert client.ask("alipay.trade.create", wanted | {"buyer_id": ALICE})["sub_code"] == "ACQ.SYSTEM_ERROR"
    again = client.ask("alipay.trade.create", wanted | {"buyer_id": ALICE})
    assert (again["code"], len(again["trade_no"])) == ("10000", 28)
    other = client.ask("alipay.trade.create", wanted | {"buyer_id": ALICE, "total_amount": "3.01"})
    assert other["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"


def test_a_query_that_fails_tells_nothing_of_the_payment(alipay: Alipay, client: Client) -> None:
    asked = order(alipay)
    named = {"out_trade_no": asked["out_trade_no"]}
    client.ask(PAY, asked)
    alipay.plan(QUERY, "system_error_before")
    failed = client.ask(QUERY, named)
    assert (failed["code"], failed["sub_code"]) == ("40004", "ACQ.SYSTEM_ERROR")
    assert "trade_status" not in failed
    alipay.plan(QUERY, "bad_signature")
    client.fails(QUERY, named)
    assert client.ask(QUERY, named)["trade_status"] == "TRADE_SUCCESS"


def test_a_cancel_that_fails_says_whether_to_try_again(alipay: Alipay, client: Client) -> None:
    asked = order(alipay)
    named = {"out_trade_no": asked["out_trade_no"]}
    client.ask(PAY, asked)
    alipay.plan(CANCEL, "unknown")
    open_one = client.ask(CANCEL, named)
    assert (open_one["code"], open_one["retry_flag"]) == ("10000", "Y")
    assert client.ask(QUERY, named)["trade_status"] == "TRADE_SUCCESS"
    client.ask(REFUND, named | {"refund_amount": "1.00", "out_request_no": "R1"})
    refused = client.ask(CANCEL, named)
    assert (refused["sub_code"], refused["retry_flag"]) == ("ACQ.REASON_TRADE_REFUND_FEE_ERR", "N")


def test_a_cancel_whose_answer_was_lost_is_asked_for_again(alipay: Alipay, client: Client, node: Client) -> None:
    """npm's client does so by itself."""
    asked = order(alipay)
    client.ask(PAY, asked)
    alipay.plan(CANCEL, "silence_after")
    if client is not node:
        client.fails(CANCEL, {"out_trade_no": asked["out_trade_no"]})
    assert client.ask(CANCEL, {"out_trade_no": asked["out_trade_no"]})["action"] == "refund"


def test_a_refund_that_fails_is_read_as_one_and_a_lost_one_is_found(
    alipay: Alipay, client: Client, node: Client
) -> None:
    part = {"refund_amount": "1.00", "out_request_no": "R1"}
    assert client.ask(REFUND, part | {"out_trade_no": "C0"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    waits = order(alipay, "281234567890123491")
    client.ask(PAY, waits)
    assert client.ask(REFUND, part | {"out_trade_no": waits["out_trade_no"]})["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    asked = order(alipay)
    named = {"out_trade_no": asked["out_trade_no"]}
    client.ask(PAY, asked)
    alipay.plan(REFUND, "silence_after")
    if client is not node:
        client.fails(REFUND, named | part)
    again = client.ask(REFUND, named | part)
    assert (again["fund_change"], again["refund_fee"]) == ("N", "1.00")
    other = client.ask(REFUND, named | part | {"refund_amount": "1.01"})
    assert other["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"


def test_a_notification_that_somebody_else_signed_is_not_believed(alipay: Alipay, client: Client) -> None:
    told = alipay.notification(_paid(alipay, client))
    assert client.do("verify", fields=told)["said"] is True
    forged = _signed(told, hashes.SHA256(), partner_keys()[0])
    for wrong in ({"sign": forged}, {"sign": told["sign"][:-8] + "AAAAAA=="}, {"notify_id": "0" * 34}, {"more": "x"}):
        assert client.do("verify", fields=told | wrong)["said"] is False, wrong


def test_content_is_encrypted_both_ways_by_npms_client(alipay: Alipay, node: Client) -> None:
    with node.configured({"aes_key": AES_KEY}):
        asked = order(alipay)
        assert node.ask(PAY, asked)["total_amount"] == "12.50"
        assert node.ask(QUERY, {"out_trade_no": asked["out_trade_no"]})["trade_status"] == "TRADE_SUCCESS"
        assert node.ask(QUERY, {"out_trade_no": "C0"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    with node.configured({"aes_key": "AAAAAAAAAAAAAAAAAAAAAA=="}):
        assert node.ask(QUERY, {"out_trade_no": "C0"})["sub_code"] == "isv.decryption-error-unknown"


def test_an_answer_with_a_spoiled_signature_is_refused_and_the_money_has_moved(alipay: Alipay, client: Client) -> None:
    asked = order(alipay)
    alipay.plan(PAY, "bad_signature")
    client.fails(PAY, asked)
    assert client.ask(QUERY, {"out_trade_no": asked["out_trade_no"]})["trade_status"] == "TRADE_SUCCESS"


def test_a_dropped_connection_raises_and_a_query_finds_the_payment(
    alipay: Alipay, client: Client, node: Client
) -> None:
    """npm's client asks again by itself, once, and is told that the order is paid: by a failure."""
    asked = order(alipay)
    alipay.plan(PAY, "silence_after")
    if client is node:
        assert client.ask(PAY, asked)["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"
    else:
        client.fails(PAY, asked)
    assert client.ask(QUERY, {"out_trade_no": asked["out_trade_no"]})["trade_status"] == "TRADE_SUCCESS"


def test_service_unavailable_leaves_open_what_happened(alipay: Alipay, client: Client) -> None:
    asked = order(alipay)
    alipay.plan(PAY, "unavailable_after")
    said = client.ask(PAY, asked)
    assert (said["code"], said["sub_code"]) == ("20000", "isp.unknow-error")
    assert client.ask(QUERY, {"out_trade_no": asked["out_trade_no"]})["trade_status"] == "TRADE_SUCCESS"


def test_alipays_key_mistaken_for_ones_own_verifies_nothing(client: Client) -> None:
    with client.configured({"alipay_public_key": partner_keys()[1]}):
        client.fails(QUERY, {"out_trade_no": "C0"})


def test_an_application_nobody_knows_is_told_so_unsigned(client: Client, node: Client) -> None:
    """npm's client stumbles over the missing signature and never says why."""
    with client.configured({"app_id": "2016000000000099"}):
        said = client.fails(QUERY, {"out_trade_no": "C0"})
    assert ("isv.invalid-app-id" in said) is (client is not node)


@pytest.mark.parametrize("name", ["community", "node"])
def test_certificate_mode_comes_to_the_same_numbers(alipay: Alipay, name: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(name)
    partner = playing.PARTNERS[COMMUNITY if name == "community" else NPM]
    given = alipay.control("GET", f"partners/{partner}/certificates")
    with client.configured(given):
        numbers = client.do("numbers")["said"]
        assert numbers == {each: given[each] for each in numbers}
        asked = order(alipay)
        assert client.ask(PAY, asked, notify_url=alipay.notify_url)["code"] == "10000"
        assert client.do("verify", fields=alipay.notification(asked["out_trade_no"]))["said"] is True


def test_gbk_is_spoken_with_the_official_client(alipay: Alipay, official: Client) -> None:
    asked = order(alipay)
    assert official.ask(PAY, asked, charset="gbk")["code"] == "10000"
    assert official.ask(QUERY, {"out_trade_no": asked["out_trade_no"]}, charset="gbk")["subject"] == "面 Noodles"


# --- what each gets wrong ------------------------------------------------------------------------------------------


def test_the_official_client_believes_any_digest(alipay: Alipay, official: Client, node: Client) -> None:
    """Set to RSA2, it takes MD5, SHA-1 and SHA-512 under the same key; npm's takes SHA-1 where the message says RSA."""
    told = alipay.notification(_paid(alipay, official))
    for digest in (hashes.MD5(), hashes.SHA1(), hashes.SHA512()):
        assert official.do("verify", fields=told | {"sign": _signed(told, digest)})["said"] is True
    weak = told | {"sign": _signed(told, hashes.SHA1()), "sign_type": "RSA"}
    assert node.do("verify", fields=weak)["said"] is True


def test_the_official_client_can_not_name_a_port(official: Client) -> None:
    with official.configured({"server_url": "http://localhost:8001/gateway.do"}):
        assert official.fails(QUERY, {"out_trade_no": "C0"}).startswith("TypeError")


def test_the_official_client_can_not_encrypt(official: Client) -> None:
    """It hands its cipher a text where today's wants bytes."""
    with official.configured({"aes_key": AES_KEY}):
        assert official.fails(QUERY, {"out_trade_no": "C0"}).startswith("TypeError")


def test_npms_client_can_not_verify_what_came_encrypted(node: Client) -> None:
    """It looks for the braces of the answer, and cuts a genuine one that has none in the wrong place."""
    with node.configured({"aes_key": AES_KEY, "check_secrets": True}):
        assert "验签失败" in node.fails(QUERY, {"out_trade_no": "C0"})


def test_the_community_client_refuses_a_genuine_answer_with_one_brace(
    alipay: Alipay, community: Client, official: Client, node: Client
) -> None:
    for client, believes in ((community, False), (official, True), (node, True)):
        asked = order(alipay, subject="Soup {large")
        client.ask(PAY, asked)
        answer = client.do("call", method=QUERY, content={"out_trade_no": asked["out_trade_no"]})
        assert ("said" in answer) is believes
        assert believes or answer["raised"] == "AliPayValidationError"


def _paid(alipay: Alipay, client: Client) -> str:
    asked = order(alipay)
    client.ask(PAY, asked, notify_url=alipay.notify_url)
    return str(asked["out_trade_no"])


def _signed(fields: dict[str, str], digest: hashes.HashAlgorithm, private: str = "") -> str:
    key = serialization.load_pem_private_key((private or alipay_keys()[0]).encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return base64.b64encode(key.sign(string_to_sign(fields).encode(), padding.PKCS1v15(), digest)).decode()
