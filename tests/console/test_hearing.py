"""What the console's lists listen to, so that they show what happens while somebody looks."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from saoma.identity import model
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.web.topics import read_topics
from tests.console.make import Office, browser, office
from tests.identity import make as identity


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> Office:
    return await office(database, clock)


def heard(page: str, of: Office) -> set[str]:
    """The topics that a page listens to."""
    tokens = re.findall(r'data-live="/live\?t=([^"]+)"', page)
    return {topic for token in tokens for topic in read_topics(unquote(token), identity.SECRET, of.house.clock.now())}


async def test_a_list_of_payments_hears_of_what_it_shows_however_many_stores_there_are(of: Office) -> None:
    operator, payment = await of.person(Role.OPERATOR), await of.pays()
    till, other = f"till:{of.shop.store.id}", await identity.shop(of.house.db, name="Burrito Bar")
    async with browser(of, operator) as desk:
        few = heard((await desk.get("/console/payments")).text, of)
        assert few == {till, f"till:{other.store.id}"}
        async with of.house.db.transaction() as tx:
            for number in range(60):
                await model.add_store(tx, other.merchant.id, name=f"Stall {number}", zone="Asia/Shanghai")
        many = heard((await desk.get("/console/payments")).text, of)
        assert many == {f"payment:{payment.id}"}
        chosen = heard((await desk.get(f"/console/payments?merchant={of.shop.merchant.id}")).text, of)
        assert chosen == {till}, "whoever asks for less hears of new payments as well"
        nothing = await desk.get(f"/console/payments?merchant={other.merchant.id}")
        assert nothing.status_code == 200 and heard(nothing.text, of) == set()
