"""Content encryption: business parameters and results travel as AES, and the signature is over what travels."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from saoma.kit.errors import Invalid
from saoma.sandbox.book.model import Partner
from saoma.sandbox.encryption import Undecipherable, decrypted, encrypted
from tests.sandbox import make as sandboxes
from tests.sandbox.make import APP, CODE, KEY, PARTNER
from tests.sandbox.openapi.make import PAY, QUERY, Desk, desk

AES_KEY = base64.b64encode(bytes(range(16))).decode()
ORDER = {"out_trade_no": "T1", "scene": "bar_code", "auth_code": CODE, "subject": "面", "total_amount": "1.00"}


@pytest.fixture
def till() -> Desk:
    return desk(sandboxes.settings(partners=[_partner()]))


def _partner(**changes: Any) -> Partner:
    known: dict[str, Any] = {"aes_key": AES_KEY} | changes
    return Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1], **known)


def ask(till: Desk, method: str, content: str, charset: str = "utf-8", **more: str) -> bytes:
    secret = encrypted(content, AES_KEY, charset)
    return till.send(till.signed(method, secret, charset=charset, **({"encrypt_type": "AES"} | more)))


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_payment_is_asked_for_and_answered_in_secret(till: Desk, charset: str) -> None:
    body = ask(till, PAY, json.dumps(ORDER, ensure_ascii=False), charset)
    text = body.decode(charset)
    start = text.index('response":') + len('response":')
    node, sign = text[start:].split(',"sign":"')
    assert node[0] == node[-1] == '"'
    assert sandboxes.partner_signatory().verify(node.encode(charset), sign.removesuffix('"}'))
    said = json.loads(decrypted(node[1:-1], AES_KEY, charset))
    assert (said["code"], said["total_amount"]) == ("10000", "1.00")
    assert till.sandbox.book.trades[PARTNER, "T1"].subject == "面"
    assert "面" not in text


def test_a_business_failure_is_secret_and_the_gateways_no_is_not(till: Desk) -> None:
    assert b'"code"' not in ask(till, QUERY, '{"out_trade_no":"NONE"}')
    said = till.read(ask(till, QUERY, '{"out_trade_no":"NONE"}', version="2.0"))
    assert said.fields["sub_code"] == "isv.invalid-version"


def test_an_open_call_is_answered_openly_by_the_same_application(till: Desk) -> None:
    assert till.pay()["code"] == "10000"


@pytest.mark.parametrize(
    ("secret", "more", "word"),
    [
        ("no base64!", {"encrypt_type": "AES"}, "isv.decryption-error-unknown"),
        (encrypted("{}", base64.b64encode(bytes(16)).decode(), "utf-8"), {"encrypt_type": "AES"},
         "isv.decryption-error-unknown"),
        (encrypted("{}", AES_KEY, "utf-8"), {"encrypt_type": "DES"}, "isv.invalid-encrypt-type"),
        (encrypted("{}", AES_KEY, "utf-8"), {}, "isv.invalid-biz-content"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_in_the_open(till: Desk, secret: str, more: dict[str, str], word: str) -> None:
    said = till.read(till.send(till.signed(QUERY, secret, **more)))
    assert said.fields["sub_code"] == word
    assert said.is_signed_by(sandboxes.partner_signatory())


def test_without_a_key_nothing_is_encrypted() -> None:
    till = desk()
    said = till.read(ask(till, QUERY, "{}"))
    assert said.fields["sub_code"] == "isv.invalid-encrypt-type"
    assert "aes_key" in till.sandbox.book.store.calls()[-1].why


@pytest.mark.parametrize("key", ["x", base64.b64encode(bytes(15)).decode()])
def test_a_key_is_base64_of_a_key(key: str) -> None:
    with pytest.raises(Invalid, match="aes_key"):
        desk(sandboxes.settings(partners=[_partner(aes_key=key)]))


def test_what_was_cut_off_is_not_deciphered() -> None:
    with pytest.raises(Undecipherable):
        decrypted(encrypted("secret", AES_KEY, "utf-8")[:-4], AES_KEY, "utf-8")
