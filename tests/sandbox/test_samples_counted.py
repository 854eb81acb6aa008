"""Which test replays which printed sample, and that none is forgotten; and the printed daily files, line by line.

A sample is known by the beginning of its signature, or of its text where it has none. The papers themselves are
looked at only where they lie beside the repository: everything that is replayed stands in the tests."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from saoma.alipay.signing import SignType, rsa_signatory
from saoma.kit.clock import BEIJING
from saoma.sandbox.book.model import Partner
from saoma.sandbox.files.daily_files import DailyFiles
from tests.sandbox import make
from tests.sandbox.make import KEY, PARTNER, Desk

TESTS = Path(__file__).resolve().parent.parent
PAPERS = TESTS.parent.parent / "shared" / "alipay"

#: By test, the signatures it makes, checks or compares with.
REPLAYED = {
    "alipay/test_signing.py::test_every_md5_vector_is_made_and_accepted": (
        "4051af1716d5 3d09abe09806 68c26fcba73d d4d3825356fd af7007238531 2dd75a3023c0 c19f42a59796 4986b31c8feb "
        "a77e894e7149 c4c09ca3fc78 6c478998267d bbd13b52823b 6d581af270c0 7e63e20bcc6a baad08ca515f 36322695cbf0 "
        "57a6883018b5 6a0ada049a0c 2a7f598bbb13 397685a0c6b2 22fc7e38e5ac"
    ),
    "alipay/test_signing.py::test_every_rsa_vector_is_made_and_accepted": (
        "TaVXdP/0ia5N NQ/NS3M3CLeC lKIuEeAOl83c hP8fWM0LU3EM SEOXB35dlg5c Zr2UkxZcW69W FcD6z6s4qR5f D/o1uXKkHa0l "
        "mgVh5b0cuVjf C3zQXzpXp+Is"
    ),
    "alipay/test_signing.py::test_every_captured_answer_and_notification_of_the_real_gateway_is_accepted": (
        "F+LDzpTNiavn QfTb8tqE1BMh MsK5SCw8oqLw E9cbpTCdX4hJ"
    ),
    "alipay/test_wire.py::test_every_sample_answer_is_read_and_verifies": (
        "7164ce3250dd 39d81ff9e29e a2b142e52fe6 d1c4aa8db387 321a8147152c d4f7d3755e2b e7bc09583260"
    ),
    "alipay/test_wire.py::test_every_sample_request_verifies_as_it_is_sent": (
        "bda7a63326e2 a2ef72e90091 076527e87068 88e1cf93c654 16fbeb8c0f80"
    ),
    "alipay/test_wire.py::test_the_published_answer_is_read_over_many_lines": "3b7c527e7eb0",
    "alipay/test_wire.py::test_the_sample_notification_verifies": "2ad53d9e88aa",
    "alipay/test_messages.py::test_every_request_has_the_signature_of_its_sample": (
        "88e1cf93c654 bda7a63326e2 a2ef72e90091 076527e87068 16fbeb8c0f80 b8aaa886fff7 c27d171d6928"
    ),
    "sandbox/test_replayed_samples.py::test_a_printed_request_gets_the_printed_bytes": (
        "88e1cf93c654 16fbeb8c0f80 bda7a63326e2 a2ef72e90091 076527e87068 e7bc09583260 d1c4aa8db387 321a8147152c "
        "d4f7d3755e2b 7164ce3250dd 39d81ff9e29e a2b142e52fe6"
    ),
    "sandbox/test_replayed_samples.py::test_the_printed_query_gets_the_whole_printed_document": "3b7c527e7eb0",
    "sandbox/test_replayed_samples.py::test_the_printed_notification_is_sent_byte_for_byte": "2ad53d9e88aa",
    "sandbox/test_replayed_samples.py::test_the_printed_order_for_a_known_buyer_is_genuine": "b8aaa886fff7",
    "sandbox/test_replayed_samples.py::test_the_printed_shop_code_is_genuine": "c27d171d6928",
    "sandbox/test_replayed_samples.py::test_the_published_order_with_chinese_letters_is_genuine": "6c478998267d",
    "sandbox/test_replayed_samples.py::test_the_published_barcode_payment_is_genuine_by_every_algorithm": (
        "baad08ca515f lKIuEeAOl83c hP8fWM0LU3EM"
    ),
    "sandbox/test_replayed_samples.py::test_a_published_call_of_the_online_product_is_genuine": (
        "4051af1716d5 3d09abe09806 68c26fcba73d d4d3825356fd af7007238531 a77e894e7149 c4c09ca3fc78 57a6883018b5 "
        "6a0ada049a0c"
    ),
    "sandbox/openapi/test_samples.py::test_the_samples_requests_are_signed_as_we_would_sign_them": (
        "Ah/2PaV7x1S4 LaQ7Gs4XMfEC"
    ),
    "sandbox/openapi/test_samples.py::test_the_samples_requests_are_taken_as_they_stand": "Ah/2PaV7x1S4 LaQ7Gs4XMfEC",
    "sandbox/openapi/test_samples.py::test_the_sample_of_a_waiting_payment_is_signed_over_its_own_text": "U6lEJodomSnk",
    "sandbox/openapi/test_samples.py::test_the_printed_code_of_nobody_gets_the_printed_bytes": (
        "FcD6z6s4qR5f C3zQXzpXp+Is"
    ),
    "sandbox/openapi/test_samples.py::test_the_printed_refresh_is_genuine_and_its_token_unknown": "D/o1uXKkHa0l",
    "sandbox/openapi/test_samples.py::test_the_printed_tokens_come_out_byte_for_byte": "mgVh5b0cuVjf",
    "sandbox/openapi/test_samples.py::test_published_certificates_have_their_published_numbers": (
        "866efef280de 7513daaaa48a 687b59193f3f 02941eef3187"
    ),
    "sandbox/plus/test_gateway.py::test_the_vector_is_signed_to_the_byte": "laxCaBP11pAh",
    "sandbox/plus/test_gateway.py::test_the_vectors_header_is_accepted_and_one_other_byte_is_not": "laxCaBP11pAh",
}
#: Samples without a signature, by how they begin.
TEXTS = {
    "sandbox/test_replayed_samples.py::test_a_gbk_rejection_is_the_captured_one": (
        '<?xml version="1.0" encoding="GBK"?><alipay><is_success>F'
    ),
    "sandbox/test_replayed_samples.py::test_an_unknown_partner_is_told_in_the_captured_words": (
        '<?xml version="1.0" encoding="utf-8"?><alipay><is_success>F'
    ),
    "sandbox/test_replayed_samples.py::test_the_online_notification_has_the_printed_text_to_sign": (
        "currency=USD&notify_id=5b89a773c60af059d96b1693dd3b3d6nc1"
    ),
    "sandbox/openapi/test_tokens.py::test_the_printed_callback_comes_out_letter_by_letter": (
        "http://example.com/doc/toAuthPage.html"
    ),
    "sandbox/openapi/test_samples.py::test_a_captured_failure_comes_out_letter_by_letter": (
        '{"code":"40004","msg":"Business Failed","sub_code":"ACQ.PAYMENT_AUTH_CODE_INVALID"'
    ),
    "sandbox/openapi/test_samples.py::test_the_sample_of_a_waiting_payment_comes_out_letter_by_letter": (
        '{"code":"10003","msg":"order success pay inprocess"'
    ),
    "sandbox/plus/test_gateway.py::test_the_example_body_pays_as_it_is_printed": '{"productCode":"IN_STORE_PAYMENT"',
    "sandbox/test_samples_counted.py::test_the_printed_transaction_file_is_written_line_by_line": (
        "Partner:2088000000000001|Payment_time: 2024-01-05|Total_count:3"
    ),
    "sandbox/test_samples_counted.py::test_the_printed_settlement_file_is_written_byte_for_byte": (
        "Partner_transaction_id|Transaction_id|Amount|Rmb_amount"
    ),
}
#: What looks like a signature and is none, or can't be made again: its key is printed nowhere.
NOT_REPLAYED = {
    "9d17da5e0095": "key not public",
    "2127020ad640": "key not public",
    "b34d89788d90": "key not public",
    "100000000000": "a key",
    "200000000000": "a key",
    "208800000000": "a user's older number",
    "28d114797212": "a certificate's number inside a vector",
    "MIICdgIBADAN": "a private key",
    "MIGfMA0GCSqG": "a public key",
    "MIIBIjANBgkq": "a public key",
}
_SIGNATURE = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])|(?<![A-Za-z0-9+/=%])[A-Za-z0-9+/]{80,}={0,2}(?![A-Za-z0-9+/])"
)
_FENCE = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_TEMPLATE = "<METHOD> <URI>"


@cache
def facts(path: Path) -> str:
    """Every text that stands in a module, one after the other."""
    constants = (one.value for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Constant))
    return "\n".join(
        text if isinstance(text, str) else text.decode(errors="replace")
        for text in constants
        if isinstance(text, str | bytes)
    )


def marks() -> set[str]:
    return {mark for some in REPLAYED.values() for mark in some.split()}


@pytest.mark.parametrize("name", sorted({*REPLAYED, *TEXTS}))
def test_a_sample_stands_in_the_test_that_replays_it(name: str) -> None:
    file, _, function = name.partition("::")
    path = TESTS / file
    assert re.search(rf"^(async )?def {function}\(", path.read_text(), re.MULTILINE), "there is no such test"
    # vectors may be shared by several modules
    stated = facts(path) + facts(TESTS / "alipay" / "vectors.py")
    for mark in [*REPLAYED.get(name, "").split(), *([TEXTS[name]] if name in TEXTS else [])]:
        assert mark in stated, mark


def test_fifty_nine_signatures_and_nine_texts_are_replayed() -> None:
    assert (len(marks()), len(TEXTS)) == (59, 9)


@pytest.mark.skipif(not PAPERS.is_dir(), reason="the papers are not beside the repository")
def test_no_printed_sample_is_forgotten() -> None:
    papers = "\n".join(path.read_text() for path in sorted(PAPERS.glob("*.md")))
    printed = {found[:12] for found in _SIGNATURE.findall(papers)}
    assert printed - marks() == set(NOT_REPLAYED), "a printed signature is replayed nowhere"
    assert marks() <= printed, "what is replayed is printed nowhere"
    for text in TEXTS.values():
        assert text in papers, text
    for block in _FENCE.findall(papers):
        signed = {found[:12] for found in _SIGNATURE.findall(block)} & {*marks(), *NOT_REPLAYED}
        stated = (block.strip() in facts(TESTS / name.partition("::")[0]) for name in REPLAYED)
        is_known = signed or block.startswith((_TEMPLATE, *TEXTS.values())) or any(stated)
        assert is_known, f"a printed block is replayed nowhere: {block[:80]}"


@pytest.mark.parametrize(
    "key",
    [
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCnxj/9qwVfgoUh/y2W89L6BkRAFljhNhgPdyPuBV64bfQNN1PjbCzkIM6qRdKBoLPXmKKMiFYn"
        "kd6rAoprih3/PrQEB/VsW8OoM8fxn67UDYuyBTqA23MML9q1+ilIZwBC2AQ2UBVOrFXfFl75p6/B5KsiNG9zpgmLCUYuLkxpLQIDAQAB",
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDI6d306Q8fIfCOaTXyiUeJHkrIvYISRcc73s3vF1ZT7XN8RNPwJxo8pWaJMmvyTn9N4HQ632q"
        "JBVHf8sxHi/fEsraprwCtzvzQETrNRwVxLO5jVmRGi60j8Ue1efIlzPXV9je9mkjzOmdssymZkh2QhUrCmZYI/FCEa3/cNMW0QIDAQAB",
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD7FfmVdd570cFX3G76FatugmYlGNFtw9b2kFiBPvJDM0yeX52SWqAtjVBizaf6zNzib1a9xety"
        "7dnAxELidQJmUj3z4lwb3j5PRn+lx5FeAyAJWRBSm5+J3AzhOoHpStgATvEXT/AUndrgdn5Adfi45koUB8IzJzGZmk+5DabrIwIDAQAB",
    ],
)
def test_alipays_historic_keys_are_read(key: str) -> None:
    signatory = rsa_signatory(SignType.RSA, None, key)
    assert not signatory.verify(b"anything", "AAAA")


# --- the printed daily files ---------------------------------------------------------------------------------------

TRANSACTIONS = """Partner:2088000000000001|Payment_time: 2024-01-05|Total_count:3
Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|Transaction_type|Remark|\
Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|\
Trans_forex_rate
POS-20240105-000001|2024010521001000000000000001|12.50|0.10|USD|2024-01-05 12:15:32|PAYMENT||5812|Noodle House|T01|\
shopQrCode|USD|12.50|1
RF-20240105-000001|2024010521001000000000000001|2.50|0.02|USD|2024-01-05 18:00:00|REFUND|item missing|5812|\
Noodle House|T01|shopQrCode|USD|2.50|1
POS-20240105-000002|2024010521001000000000000002|8.00|0.06|USD|2024-01-05 12:40:00|PAYMENT||5812|Noodle House|T01|\
shopQrCode|USD|8.00|1
"""
SETTLEMENTS = """Partner_transaction_id|Transaction_id|Amount|Rmb_amount|Fee|Settlement|Rmb_settlement|Currency|Rate|\
Payment_time|Settlement_time|Type|Status|Remarks|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|\
Order_scene|Trans_currency|Trans_amount|Trans_forex_rate
POS-20240105-000001|2024010521001000000000000001|12.50|88.75|0.10|12.40|88.04|USD|7.10000000|2024-01-05 12:15:32|\
2024-01-08 15:46:00|P|L||5812|Noodle House|T01|shopQrCode|USD|12.50|1
"""
SHOP = make.STORE.replace("Example Noodle Bar", "Noodle House").replace("Harbour Branch", "T01")


def shop() -> Desk:
    return make.desk(partners=[Partner(PARTNER, md5_key=KEY, fee_rate="0.008")])


def paid_by_code(desk: Desk, number: str, amount: str) -> None:
    order = make.create_fields(number, total_fee=amount, service=make.PRECREATE, extend_params=SHOP)
    code = desk.call({name: value for name, value in order.items() if name != "buyer_id"})["qr_code"]
    trade = desk.book.scan(code, "alice")
    desk.book.pay(trade.trade_no, "alice", "123456")


def at(desk: Desk, day: int, hour: int, minute: int = 0) -> None:
    desk.book.advance(datetime(2024, 1, day, hour, minute, tzinfo=BEIJING) - desk.book.clock.now())


def written(desk: Desk, name: str) -> str:
    files: DailyFiles = desk.sandbox.daily_files
    body = files.read(PARTNER, name)
    assert body is not None, files.names(PARTNER)
    return body.decode()


def test_the_printed_transaction_file_is_written_line_by_line() -> None:
    """Its printed lines stand in no order of time; ours do."""
    desk = shop()
    paid_by_code(desk, "POS-20240105-000001", "12.50")
    at(desk, 5, 12, 40)
    paid_by_code(desk, "POS-20240105-000002", "8.00")
    at(desk, 5, 18)
    desk.call(make.refund_fields("POS-20240105-000001", "RF-20240105-000001", refund_reason="item missing"))
    at(desk, 6, 9, 30)
    head, columns, first, refund, second = TRANSACTIONS.splitlines()
    file = written(desk, f"{PARTNER}_transaction_20240105.txt")
    assert file.splitlines() == [head, columns, first, second, refund]
    assert file.endswith("\n")


def test_the_printed_settlement_file_is_written_byte_for_byte() -> None:
    desk = shop()
    paid_by_code(desk, "POS-20240105-000001", "12.50")
    at(desk, 9, 9, 30)
    assert written(desk, f"{PARTNER}_settlement_20240108.txt") == SETTLEMENTS
