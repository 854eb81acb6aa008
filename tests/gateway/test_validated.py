"""Saoma is put to its own validator: every case of the wire and of the three solutions it is built for.

Both clocks are moved; what a restaurant is not asked (taxis) does not apply."""

from __future__ import annotations

from pathlib import Path

import pytest

from saoma.validator.adapter import meet
from saoma.validator.control import Control
from saoma.validator.driving import drive
from saoma.validator.verdict import Outcome
from tests.gateway.alipay import Alipay
from tests.gateway.validated import served

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Only taxis are asked these.
TAXIS = {"S14", "S15"}


async def test_saoma_passes_every_case_that_applies(alipay: Alipay, database_url: str, tmp_path: Path) -> None:
    await alipay.lunch()
    async with served(alipay, database_url, tmp_path) as saoma:
        assert alipay.http is not None
        control = Control(alipay.url, saoma.shop.account.partner, alipay.http)
        found = await drive(control, saoma, await meet(saoma), silence=0.02)
    said = {each.case.id: f"{each.verdict.outcome}: {each.verdict.reason.say()}" for each in found}
    passed = {each.case.id for each in found if each.verdict.outcome is Outcome.PASSED}
    assert {case: words for case, words in said.items() if case not in passed | TAXIS} == {}
    assert not passed & TAXIS and len(said) == 33
