"""The console's stores: who asks for a registration, what each state looks like, in both languages."""

from __future__ import annotations

import pytest

from saoma.identity.registrations import registrations
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.i18n import LANGUAGES
from tests.console.make import Office, browser, office
from tests.identity import make as identity
from tests.identity.web import text_of


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> Office:
    return await office(database, clock)


async def set_state(of: Office, status: str, why: str = "") -> None:
    """Put the shop's registration into a state, as a worker would have."""
    open_ = status in ("wanted", "in_review")
    async with of.house.db.transaction() as tx:
        await tx.run(
            """UPDATE store_registrations SET status = %(status)s, why = %(why)s,
                      due_at = CASE WHEN %(open)s THEN now() END""",
            {"status": status, "why": why, "open": open_},
        )


async def test_an_owner_asks_and_sees_each_state(of: Office) -> None:
    owner = await of.person(Role.OWNER)
    path = f"/console/shops/{of.shop.store.id}"
    async with browser(of, owner) as desk:
        assert 'data-state="none"' in (await desk.get("/console/shops")).text
        assert (await desk.post(path, {"country": "sg"})).status_code == 303
        said = {}
        for status, why in (("wanted", ""), ("in_review", ""), ("registered", ""), ("refused", "NAME_WRONG")):
            await set_state(of, status, why)
            answer = (await desk.get("/console/shops")).text
            assert f'data-state="{status}"' in answer
            said[status] = text_of(answer)
    assert len(set(said.values())) == 4
    assert "NAME_WRONG" in said["refused"]
    async with of.house.db.reading() as rows:
        known = (await registrations(rows, [of.shop.store.id]))[of.shop.store.id]
        noted = await rows.value("SELECT who FROM audit WHERE what = 'store_registration_asked'")
    assert (known.country, known.asked_by, noted) == ("SG", owner.id, owner.id)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_store_at_an_acquirer_shows_no_form_and_takes_no_wish(of: Office, lang: str) -> None:
    async with of.house.db.transaction() as tx:
        await tx.run("UPDATE accounts SET channel = 'acquirer'")
    async with browser(of, await of.person(Role.OPERATOR), lang) as desk:
        answer = await desk.get("/console/shops")
        assert 'data-state="acquirer"' in answer.text
        assert f'action="/console/shops/{of.shop.store.id}"' not in answer.text
        refused = await desk.post(f"/console/shops/{of.shop.store.id}", {"country": "SG"})
    assert refused.status_code == 409
    assert ("收单机构" if lang == "zh" else "acquirer") in text_of(refused.text)


async def test_a_manager_looks_and_another_merchants_owner_finds_nothing(of: Office) -> None:
    other = await identity.shop(of.house.db, name="Elsewhere", account_id=of.shop.account_id)
    path = f"/console/shops/{of.shop.store.id}"
    async with browser(of, await of.person(Role.MANAGER)) as manager:
        assert (await manager.get("/console/shops")).status_code == 200
        assert (await manager.post(path, {"country": "SG"})).status_code == 403
    async with browser(of, await of.person(Role.OWNER, shop=other)) as stranger:
        assert of.shop.store.id not in (await stranger.get("/console/shops")).text
        assert (await stranger.post(path, {"country": "SG"})).status_code == 404


@pytest.mark.parametrize("country", ["", "XXX", "1!"])
async def test_a_wrong_country_is_told_and_nothing_is_asked(of: Office, country: str) -> None:
    async with browser(of, await of.person(Role.OWNER)) as desk:
        answer = await desk.post(f"/console/shops/{of.shop.store.id}", {"country": country})
    assert answer.status_code == 422
    async with of.house.db.reading() as rows:
        assert await registrations(rows, [of.shop.store.id]) == {}
