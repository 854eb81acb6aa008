"""The quick-start pages are true: their programs pay, ask, give back, listen and see through what is forged."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from saoma.validator.adapter import checked
from tests.quickstart.following import Alipay, Page, Till
from tests.quickstart.languages import LANGUAGES, Language

#: What stands where a newcomer's own integration stands.
SHOP_PHP = """<?php
function pay(string $amount, string $code): object
{
    return (object) ['order' => "PHP $code", 'status' => 'paid', 'message' => $amount];
}
function find(string $order): object
{
    return (object) ['order' => $order, 'status' => 'waiting', 'message' => ''];
}
"""


@pytest.fixture(params=list(LANGUAGES.values()), ids=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> Language:
    """Each page in turn."""
    found: Language = request.param
    return found


@contextmanager
def saved(language: Language, folder: Path, page: Page, *, rsa2: bool = False) -> Iterator[Till]:
    """The page's program in an otherwise empty folder."""
    program = page.file(language.file)
    (folder / language.file).write_text(page.with_rsa2(program) if rsa2 else program)
    till = language.till(folder)
    till.listen = [word.replace("PORT", str(page.listens_at)) for word in till.listen]
    try:
        yield till
    finally:
        till.close()


def heard(file: Path, order: str, verdict: str) -> None:
    """Wait until the listener has said this of a notification."""
    until = time.monotonic() + 20
    while not re.search(rf"{order} TRADE_SUCCESS {verdict}\b", file.read_text()):
        assert time.monotonic() < until, file.read_text()
        time.sleep(0.02)


def test_the_program_of_the_page_takes_money(language: Language, alipay: Alipay, tmp_path: Path) -> None:
    page = Page(language.page, alipay)
    with saved(language, tmp_path, page) as till:
        # a sandbox elsewhere is named by the environment, as for tests in CI; fields that are set to nothing do no harm
        file = tmp_path / language.file
        elsewhere = file.read_text().replace(f"localhost:{alipay.port}/gateway.do", "localhost:1/gateway.do")
        file.write_text(re.sub(r"(NOTIFY_URL = ).http[^;\n]*", rf"\1{language.nothing}", elsewhere))
        till.env = {**till.env, "SAOMA_SANDBOX_GATEWAY_URL": f"http://localhost:{alipay.port}/gateway.do"}
        order, result, cny = till.first("pay")
        assert (result, cny) == ("SUCCESS", "88.75")
        call = alipay.control("GET", f"calls?out_trade_no={order}")["calls"][0]
        assert (call["request"]["sign_type"], call["why"]) == ("MD5", "")
        assert "store_id" in str(call["request"])
        assert "notify_url" not in str(call["request"])
        assert alipay.control("GET", f"trades/{order}")["status"] == "TRADE_SUCCESS"


def test_with_rsa2_it_hears_asks_gives_back_and_believes_only_alipay(
    language: Language, alipay: Alipay, keys: Path, tmp_path: Path
) -> None:
    page = Page(language.page, alipay)
    shutil.copytree(keys, tmp_path / "keys")
    with saved(language, tmp_path, page, rsa2=True) as till, till.listening() as said:
        order, result, _ = till.does("pay")
        assert result == "SUCCESS"
        assert alipay.control("GET", f"calls?out_trade_no={order}")["calls"][0]["request"]["sign_type"] == "RSA2"
        heard(said, order, "genuine")
        alipay.control("POST", f"notifications/{order}/forge", b'{"spoil_signature":true}')
        heard(said, order, "FORGED")
        assert [told["answer"] for told in delivered(alipay, order)] == ["success"]
        _, result, *why = till.does("pay", "281234567890123499")
        assert (result, " ".join(why)) == ("UNKNOWN", "the signature of the answer is wrong")
        if not till.is_slow:
            assert till.does("query", order) == [order, "TRADE_SUCCESS"]
            assert till.does("refund", order, "2.50")[1] == "SUCCESS"
            assert alipay.control("GET", f"trades/{order}")["refunded"] == "2.50"
        assert {"pay", "query", "ORDER"} <= set(till.does("refund")), "without an order it tells how it is used"


def test_the_hooks_in_php_answer_the_validator(alipay: Alipay, tmp_path: Path) -> None:
    page, language = Page("php", alipay), LANGUAGES["php"]
    (tmp_path / "hooks.php").write_text(page.file("hooks.php"))
    (tmp_path / "shop.php").write_text(SHOP_PHP)
    with saved(language, tmp_path, page) as till:
        till.listen = ["hooks.php" if word == "till.php" else word for word in till.listen]

        def hook(name: str, asked: dict[str, str]) -> dict[str, Any]:
            url = f"http://localhost:{page.listens_at}/{name}"
            with urllib.request.urlopen(url, json.dumps(asked).encode()) as answer:
                return checked(name, answer.read().decode(), "hooks.php")

        with till.listening():
            assert set(hook("hello", {})["hooks"]) == {"pay", "query", "advance"}
            paid = {"order": "PHP 28", "status": "paid", "message": "12.50"}
            assert hook("pay", {"amount": "12.50", "code": "28"}) == paid
            assert hook("query", {"order": "PHP 1"})["status"] == "waiting"
            with pytest.raises(HTTPError, match="404"):
                hook("notify", {})


def delivered(alipay: Alipay, order: str) -> list[dict[str, str]]:
    """What was answered to the notifications that were to be sent, not to forged ones."""
    notices = alipay.control("GET", f"notifications/{order}")["notifications"]
    return [delivery for notice in notices if notice["acknowledged"] for delivery in notice["deliveries"]]


def test_a_buyer_who_thinks_silence_and_a_refusal_are_told_apart(alipay: Alipay, tmp_path: Path) -> None:
    page = Page("python", alipay)
    with saved(LANGUAGES["python"], tmp_path, page) as till:
        order, *result = till.does("pay", "281234567890123491")
        assert result == ["UNKNOWN"]
        alipay.control("POST", f"trades/{order}/pay", b"")
        assert till.does("query", order) == [order, "TRADE_SUCCESS"]
        assert till.does("cancel", order) == [order, "SUCCESS", "refund"]
        assert till.does("pay", "281234567890123493")[1:] == ["FAILED", "BUYER_BALANCE_NOT_ENOUGH"]
        fault = b'{"service":"alipay.acquire.overseas.spot.pay","fault":"silence_after","seconds":0}'
        alipay.control("POST", "faults", fault)
        order, result_code, *why = till.does("pay")
        assert (result_code, why[:2]) == ("UNKNOWN", ["no", "answer:"])
        assert till.does("query", order) == [order, "TRADE_SUCCESS"]
        assert till.does("cancel", "")[:2] == ["Refused:", "ILLEGAL_ARGUMENT."]


def test_a_code_comes_from_the_wallet_from_the_control_api_or_is_a_fixture(alipay: Alipay, tmp_path: Path) -> None:
    page = Page("python", alipay)
    wallet = urllib.request.Request(f"http://127.0.0.1:{alipay.port}/wallet/code")
    wallet.add_header("Host", f"anna.localhost:{alipay.port}")
    with urllib.request.urlopen(wallet) as answer:
        shown = re.search(r"\b2[5-9][0-9 ]{16,}\b|\b30[0-9 ]{16,}\b", re.sub(r"<[^>]*>", "", answer.read().decode()))
    assert shown, "the wallet shows no digits"
    with saved(LANGUAGES["python"], tmp_path, page) as till:
        for code in (shown[0].replace(" ", ""), alipay.control("POST", "buyers/anna/payment-code", b"")["code"]):
            order, result, _ = till.does("pay", code)
            assert (result, alipay.control("GET", f"trades/{order}")["buyer_id"]) == ("SUCCESS", "anna")
