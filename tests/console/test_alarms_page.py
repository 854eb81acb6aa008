"""The console's alarms in words: whom one is about and what its code means, in the reader's language."""

from __future__ import annotations

import re

import pytest

from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.payments.alarms import raise_alarm
from tests.console.make import browser, office
from tests.identity.web import text_of


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["The signature does not hold", "Failed calls within a minute: 7, through ", "Overdue: 3, of Payments"]),
        ("zh", ["签名不符", "一分钟内调用失败 7 次", "待跟进的付款：逾期 3 项"]),
    ],
)
async def test_an_alarm_is_read_in_words(database: Database, clock: MovableClock, lang: str, words: list[str]) -> None:
    of = await office(database, clock)
    account_id = of.shop.account_id
    for rule, key, text in (
        ("bad_signatures", account_id, f"{account_id}: signature"),
        ("gateway_trouble", account_id, f"{account_id}: 7"),
        ("due_late", "payments", "payments: 3"),
    ):
        await raise_alarm(database, rule, key, text, now=clock.now())
    async with browser(of, await of.person(Role.OPERATOR), lang) as desk:
        page = (await desk.get("/console/alarms")).text
    said = " ".join(text_of(each) for each in re.findall(r'data-testid="said">(.*?)</span>', page, re.DOTALL))
    assert [word for word in words if word not in said] == []
    assert account_id not in said and account_id in page, "the id stands beside, for those who look it up"
