"""Alipay+ over real HTTP: the published and computed vectors to the byte, every check, and what is not signed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from saoma.alipay.signing import SignType, rsa_signatory
from saoma.kit.errors import Invalid
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.plus.signing import HeaderSignature, read_signature, text_to_sign, write_signature
from tests.sandbox import make
from tests.sandbox.make import Running
from tests.sandbox.plus import make as plus
from tests.sandbox.plus.make import CLIENT, PAY, Client

#: The throw-away pair of a public test suite, as the wire paper prints it: for tests only.
PRIVATE = (
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKM1WEl/09gMU3U8V3hJcS/GaMPR2f7FDiVC7qjwdsZfPh179FFVMkMvjyrDGfzWVqvl"
    "w1IiNueENFeb19lyvO7BuOrFc6/Y6/sxkBr9YkRx++nddxKDEo8HngUtW8ej+vG4wrbGmmzjsulzu+mmS+Leh9tdbrVL5pPRNYWRQxOfAgMBAAECgYB7"
    "xOSjOJFK8m4IJi6fRfLULD8e4XHUR1Qm5c9fxpwMbAYLDgmF9HodgV+tKi/3EgTAb4nkK5Y/lH6tQb47ZUvo/lKzRlIVZ6Rm76V07g/+5exIZzTyvdD9"
    "T2fLeYQwKV/2JYUv0KSYWPvWykdaV4aNkCuwmxTUjvhDxK/Ns31CIQJBANI1Y3gGBqbBIN9wxjx3ShBtt/U8YnipUJ92eTI7OU9pZsCIFPoeYG/X40mi"
    "wDb5ouPnvJTtzuY4PkPokEefN9MCQQDGwurqa8RNK2APA62UCdZbJuWimkdHEc53IKvD/l2tWVFqhVAy8bs+3LGzBNfuxUuAxOoQm9n0IVRaH5jnl8GF"
    "AkEAijuTmsUTsKsGDAmkQvULHnyYYUuBUem92+9TycWKbX9Zk7ipWsWJE2N70tuU3VISXR7yM1mjGl/YCl4wKvk4AwJAE1DkBY4dkKZTeoIP/2AJXehk"
    "zq2Rmb2IRBl/t9djgTI58FEuXxUQ7mYCOvSQi5rO4J/CY4TR5KDMksmZUYB1BQJAIEfVDxz45yoHL7L+6EoC5TWxUxFMN7z7FhObyKeaLKj3inEsbjfc"
    "PCA09zPUce0FSKBc/dVhDEorJMaPK5vXiA=="
)
PUBLIC = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCjNVhJf9PYDFN1PFd4SXEvxmjD0dn+xQ4lQu6o8HbGXz4de/RRVTJDL48qwxn81lar5cNSIjbnhDRX"
    "m9fZcrzuwbjqxXOv2Ov7MZAa/WJEcfvp3XcSgxKPB54FLVvHo/rxuMK2xpps47Lpc7vppkvi3ofbXW61S+aT0TWFkUMTnwIDAQAB"
)
BODY = (
    b'{"productCode":"IN_STORE_PAYMENT","paymentRequestId":"pay_test_0001",'
    b'"paymentAmount":{"currency":"USD","value":"1231"}}'
)
WHEN = "2024-01-01T12:00:00+08:00"
BASE64 = (
    "laxCaBP11pAhKdbuL9ftxcMegOa2WwOubrPAzM5LBpqv/6dP4ESGVB5U7l+Q0gQ5BLiQ6gov+lw5Fj+UQcWeCh2/6e5Zt/b0JuI/q0zOLhn7q2uowHU2"
    "vnKiYTVkYSqIv81k0Y3MOWGhi384tVduN5ah7JNMtnaGbkSmVwXPyss="
)
HEADER = (
    "algorithm=RSA256,keyVersion=1,signature=laxCaBP11pAhKdbuL9ftxcMegOa2WwOubrPAzM5LBpqv%2F6dP4ESGVB5U7l%2BQ0gQ5BLiQ6gov"
    "%2Blw5Fj%2BUQcWeCh2%2F6e5Zt%2Fb0JuI%2Fq0zOLhn7q2uowHU2vnKiYTVkYSqIv81k0Y3MOWGhi384tVduN5ah7JNMtnaGbkSmVwXPyss%3D"
)
#: The example body of the pay page's digest, line ends and blanks included.
EXAMPLE = b"""{"productCode":"IN_STORE_PAYMENT","paymentRequestId":"pay_test_0001",
 "order":{"referenceOrderId":"order_0001","orderDescription":"Lunch","orderAmount":{"currency":"USD","value":"1231"},
  "merchant":{"referenceMerchantId":"M0001","merchantMCC":"5812","merchantName":"Some Merchant",
   "store":{"referenceStoreId":"S0001","storeName":"Some Store","storeMCC":"5812"}},
  "env":{"storeTerminalId":"T01","storeTerminalRequestTime":"2024-01-01T12:00:00+08:00"}},
 "paymentAmount":{"currency":"USD","value":"1231"},
 "paymentMethod":{"paymentMethodType":"CONNECT_WALLET","paymentMethodId":"28888888888888888888"},
 "paymentFactor":{"inStorePaymentScenario":"PaymentCode"},
 "paymentNotifyUrl":"https://merchant.example/notify"}"""


# --- the vectors ---------------------------------------------------------------------------------------------------


def test_the_vector_is_signed_to_the_byte() -> None:
    text = text_to_sign(PAY, CLIENT, WHEN, BODY)
    assert text == b"POST /ams/api/v1/payments/pay\nSANDBOX_5X00000000000000.2024-01-01T12:00:00+08:00." + BODY
    signatory = rsa_signatory(SignType.RSA2, PRIVATE, PUBLIC)
    assert signatory.sign(text) == BASE64
    assert write_signature(signatory, text) == HEADER


async def test_the_vectors_header_is_accepted_and_one_other_byte_is_not() -> None:
    partner = plus.partner(client_public_key=PUBLIC)
    async with make.running(config=make.settings(partners=[partner])) as wire:
        client = Client(wire)
        said = await client.send(BODY, Signature=HEADER, Request_Time=WHEN)
        assert (said.code, said.signed) == ("PARAM_ILLEGAL", True)
        raw = await client.send(
            BODY, Signature=f"algorithm=RSA256, keyVersion=1, signature={BASE64}", Request_Time=WHEN
        )
        assert raw.code == "PARAM_ILLEGAL"
        for changes in ({"raw": BODY + b"\n"}, {"path": PAY.replace("/ams/", "/ams/sandbox/")}):
            other = await client.send(**{"raw": BODY} | changes, Signature=HEADER, Request_Time=WHEN)
            assert (other.code, other.signed) == ("SIGNATURE_INVALID", False)
        later = await client.send(BODY, Signature=HEADER, Request_Time="2024-01-01T12:00:01+08:00")
        assert (later.code, later.signed) == ("SIGNATURE_INVALID", False)


async def test_the_example_body_pays_as_it_is_printed(served: Client) -> None:
    said = await served.send(EXAMPLE)
    assert said.outcome == ("S", "SUCCESS")
    assert said.body == {
        "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
        "paymentRequestId": "pay_test_0001",
        "paymentId": "202401051215320000000000000001",
        "paymentAmount": {"currency": "USD", "value": "1231"},
        "paymentCreateTime": "2024-01-05T12:15:32+08:00",
        "paymentTime": "2024-01-05T12:15:32+08:00",
        "actualPaymentAmount": {"currency": "USD", "value": "1231"},
        "pspCustomerInfo": {
            "pspName": "ALIPAY_CN",
            "pspCustomerId": make.ALICE,
            "displayCustomerId": "ali***@example.com",
        },
        "grossSettlementAmount": {"currency": "USD", "value": "1231"},
    }
    assert served.running.book.trades[make.PARTNER, "pay_test_0001"].cny == 8740


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("algorithm=RSA256,keyVersion=1,signature=ab%2Bc%3D", HeaderSignature("RSA256", "1", "ab+c=")),
        ("algorithm=RSA256, keyVersion=2, signature=ab+c=", HeaderSignature("RSA256", "2", "ab+c=")),
        ("algorithm=RSA256,signature=abc", HeaderSignature("RSA256", "", "abc")),
        ("abc", None),
        ("", None),
        ("algorithm=RSA256,keyVersion=1,signature=", None),
    ],
)
def test_a_signature_header_is_read_in_each_spelling_that_partners_send(
    header: str, read: HeaderSignature | None
) -> None:
    assert read_signature(header) == read


# --- the checks in their order -------------------------------------------------------------------------------------


async def test_another_partners_key_does_not_sign_for_this_client(client: Client) -> None:
    client.signatory = rsa_signatory(SignType.RSA2, PRIVATE, make.alipay_keys()[1])
    said = await client.ask("pay", plus.pay_body())
    assert (said.code, said.signed) == ("SIGNATURE_INVALID", False)
    assert client.wire.book.all_trades() == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Client_Id": "SANDBOX_NOBODY"}, "CLIENT_INVALID"),
        ({"Client_Id": ""}, "CLIENT_INVALID"),
        ({"Request_Time": ""}, "PARAM_ILLEGAL"),
        ({"Request_Time": "2024-01-05 12:15:30"}, "PARAM_ILLEGAL"),
        ({"Signature": ""}, "SIGNATURE_INVALID"),
        ({"Signature": "algorithm=RSA512,keyVersion=1,signature=abcd"}, "SIGNATURE_INVALID"),
        ({"Signature": "algorithm=RSA256,keyVersion=7,signature=abcd"}, "KEY_NOT_FOUND"),
        ({"Content_Type": "text/plain"}, "MEDIA_TYPE_NOT_ACCEPTABLE"),
        ({"Content_Type": "application/json; charset=GBK"}, "MEDIA_TYPE_NOT_ACCEPTABLE"),
    ],
)
async def test_a_call_with_a_wrong_header_is_refused_unsigned(
    client: Client, headers: dict[str, Any], code: str
) -> None:
    said = await client.send(json.dumps(plus.pay_body()).encode(), **headers)
    assert (said.code, said.signed) == (code, False)
    assert client.wire.book.all_trades() == []


async def test_only_the_five_operations_are_there_and_only_by_post(served: Client) -> None:
    assert (await served.send(b"{}", "/ams/api/v1/payments/payout")).code == "NO_INTERFACE_DEF"
    assert (await served.send(b"{}", "/ams/api/v2/payments/pay")).code == "NO_INTERFACE_DEF"
    assert (await served.send(b"{}", PAY, "PUT")).code == "METHOD_NOT_SUPPORTED"


async def test_the_sandbox_path_is_for_sandbox_clients() -> None:
    body = json.dumps(plus.pay_body()).encode()
    path = PAY.replace("/ams/", "/ams/sandbox/")
    for client_id, code in (("SANDBOX_1", "SUCCESS"), ("T_1", "NO_INTERFACE_DEF")):
        async with make.running(config=make.settings(partners=[plus.partner(client_id=client_id)])) as wire:
            assert (await Client(wire, client_id).send(body, path)).code == code


async def test_milliseconds_are_a_request_time_too_and_the_query_is_signed(served: Client) -> None:
    raw = json.dumps(plus.pay_body()).encode()
    text = text_to_sign(PAY, CLIENT, "1704428130000", raw)
    assert (await served.send(raw, signed=text, Request_Time="1704428130000")).code == "SUCCESS"
    assert (await served.send(raw, PAY + "?a=%20b")).code == "SUCCESS"
    assert (await served.send(raw, PAY + "?a=%20b", signed=text)).code == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not UTF-8"),
        (b'{"a":"\\ud800"}', "half a character"),
        (b'{"a":"1","a":"2"}', "twice"),
        (b'{"order":{"x":[1]}}', "order.x[0] is 1"),
        (b'{"isAsyncRefund":true}', "isAsyncRefund is true"),
        (b'{"a":' + b"[" * 100_000, ""),
    ],
)
async def test_a_body_that_is_no_json_of_texts_is_refused_and_the_log_says_why(
    client: Client, raw: bytes, why: str
) -> None:
    said = await client.send(raw)
    assert (said.code, said.signed) == ("PARAM_ILLEGAL", True)
    assert why in client.wire.book.store.calls()[-1].why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"productCode": None}, "productCode is missing"),
        ({"productCode": "CASHIER_PAYMENT"}, "IN_STORE_PAYMENT"),
        ({"paymentRequestId": "x" * 65}, "more than 64"),
        ({"order__orderDescription": ""}, "orderDescription is missing"),
        ({"order__merchant__store": None}, "order.merchant.store is missing"),
        ({"order__merchant__store": "S1"}, "an object"),
        ({"order__merchant__merchantMCC": None}, "merchantMCC"),
        ({"order__env": None}, "order.env.storeTerminalId"),
        ({"order__env__storeTerminalRequestTime": "noon"}, "is a time"),
        ({"paymentAmount__value": "12.31"}, "smallest unit"),
        ({"paymentAmount__value": "0"}, "smallest unit"),
        ({"paymentAmount__more": "1"}, "a currency and a value"),
        ({"paymentAmount__value": "1232"}, "differ"),
        ({"paymentMethod__paymentMethodType": "GCASH"}, "CONNECT_WALLET"),
        ({"paymentMethod__paymentMethodId": None}, "paymentMethodId is missing"),
        ({"paymentFactor__inStorePaymentScenario": "Cash"}, "PaymentCode, OrderCode, EntryCode"),
        ({"paymentFactor__inStorePaymentScenario": "EntryCode"}, "userAgent"),
        ({"paymentExpiryTime": "2024-01-05T12:15:31+08:00"}, "paymentExpiryTime is over"),
        ({"paymentExpiryTime": "2024-13-05T12:15:31+08:00"}, "is a time"),
        ({"paymentNotifyUrl": "ftp://x"}, "no web address"),
    ],
)
async def test_a_payment_that_lacks_or_misspells_something_is_refused_and_the_log_says_what(
    client: Client, changes: dict[str, Any], why: str
) -> None:
    said = await client.ask("pay", plus.pay_body(**changes))
    assert said.outcome == ("F", "PARAM_ILLEGAL")
    assert why in client.wire.book.store.calls()[-1].why
    assert client.wire.book.all_trades() == []
    later = await client.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})
    assert later.code == "ORDER_NOT_EXIST"


async def test_a_client_is_made_known_by_the_control_api(served: Client) -> None:
    wire: Running = served.running
    known = {"partner": "2088000000000077", "md5_key": "k" * 32, "client_id": "SANDBOX_7", "client_public_key": PUBLIC}
    answer = await wire.control("POST", "partners", known)
    other = Client(wire, "SANDBOX_7", rsa_signatory(SignType.RSA2, PRIVATE, answer["alipay_public_key"]))
    assert (await other.ask("pay", plus.pay_body())).code == "SUCCESS"
    # the same number is another payment of another partner
    assert (await served.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})).code == "ORDER_NOT_EXIST"
    taken = await wire.control("POST", "partners", known | {"partner": "2088000000000078"}, 422)
    assert "belongs to partner 2088000000000077" in taken["detail"]


def test_a_client_id_without_a_key_is_refused() -> None:
    partners = Partners(make.store())
    with pytest.raises(Invalid, match="needs its client_public_key"):
        partners.add(plus.partner(client_public_key=""))
