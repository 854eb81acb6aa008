"""What no form of the wallet sends, and people type all the same: a sentence in their language, never a stumble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox import make
from tests.sandbox.make import Running
from tests.sandbox.wallet.make import shop_code


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    async with make.running() as running:
        yield running


async def told(wire: Running, path: str, phone: str = "anna", **sent: Any) -> tuple[int, str]:
    """The status, and the text or where it leads."""
    host = f"{phone}.localhost" if phone else "localhost"
    headers = {"Host": f"{host}:{wire.url.rpartition(':')[2]}", "Accept-Language": "zh-CN", "X-Wallet": "1"}
    async with wire.client.post(wire.url + path, headers=headers, allow_redirects=False, **sent) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


@pytest.mark.parametrize("digits", ["9" * 5000, "٣", "", "17", "18.0"])
async def test_codes_have_the_lengths_that_can_be_chosen(served: Running, digits: str) -> None:
    status, said = await told(served, "/wallet/settings", data={"code_digits": digits})
    assert status == 422 and "没有这个选项" in said
    assert served.book.buyer("anna").code_digits == 18


async def test_what_is_no_act_costs_no_try_of_the_pin(served: Running) -> None:
    status, _ = await told(served, "/wallet/cashier", json={"act": "Pay", "trade": "1", "pin": "000000"})
    assert status == 400 and served.book.buyer("anna").wrong_pins == 0


async def test_a_name_in_letters_that_no_address_has_gets_a_phone_of_its_own(served: Running) -> None:
    for name, phone in (("小明", "phone-1"), ("Дора", "phone-2"), ("小明", "phone-1"), ("x" * 500, "x" * 30)):
        status, there = await told(served, "/wallet/buyers", phone="", data={"name": name})
        assert status == 303 and there.startswith(f"http://{phone}.localhost:")
        assert served.book.buyer(phone).name == name[:30]
    assert (await told(served, "/wallet/buyers", phone="", data={"name": " "}))[0] == 422


@pytest.mark.parametrize("amount", ["9" * 40, "1e5", "", "١", "-1", "0"])
async def test_an_amount_that_is_none_is_told_in_the_readers_language(served: Running, amount: str) -> None:
    _, said = await told(served, "/wallet/counter/till", json={"amount": amount, "code": "1"})
    assert "请输入" in said and "is not an amount" not in said
    pay = {"act": "pay", "pin": "123456", "code": shop_code(served.book).token, "amount": amount}
    _, said = await told(served, "/wallet/cashier", json=pay)
    assert "请输入" in said and "Type an amount" not in said
    if amount != "0" and amount:
        status, said = await told(served, "/wallet/buyers", phone="", data={"name": "eve", "balance": amount})
        assert status == 422 and "is not an amount" not in said


async def test_a_phone_that_nobody_has_leads_to_those_there_are(served: Running) -> None:
    port = served.url.rpartition(":")[2]
    async with served.client.get(f"{served.url}/wallet", headers={"Host": f"nobody.localhost:{port}"}) as answer:
        shown = await answer.text()
        assert answer.status == 404 and 'href="/wallet"' not in shown
        assert f'class="w-button" href="http://localhost:{port}/wallet"' in shown
