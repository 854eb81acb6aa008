"""What a phone says of a round that was just sent: read from the round, so that any later look says the same."""

from __future__ import annotations

import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from tests.restaurant.make import ANNA, BEN, Restaurant, app, fresh, restaurant, wallet_phone


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def test_that_a_round_is_on_its_way_is_said_by_whatever_look_comes_last(house: Restaurant) -> None:
    server, code = app(house), house.tables[0].code
    async with wallet_phone(server, house, ANNA) as anna, wallet_phone(server, house, BEN) as ben:
        for one, dish in ((anna, "tea"), (anna, "tea"), (ben, "tea")):
            await one.get(f"/t/{code}")
            data = {"item": house.dish(dish).id, "key": fresh()}
            assert (await one.post(f"/t/{code}/add", data)).status_code == 200

        async def said(one: object = anna) -> str:
            return str((await one.get(f"/t/{code}/basket", htmx=True)).text)  # type: ignore[attr-defined]

        assert 'data-testid="sent"' not in await said()
        pressed = await anna.post(f"/t/{code}/send")
        assert "3 dishes are on their way to the kitchen." in pressed.text
        # News of the table lets the sheet look again at once, with the address it had before the press.
        assert "3 dishes are on their way to the kitchen." in await said()
        assert 'data-testid="sent"' not in await said(ben), "whoever did not press is not thanked"
        again = await anna.post(f"/t/{code}/send")
        assert "3 dishes are on their way to the kitchen." in again.text, "a repeated press sends nothing more"
        async with house.db.transaction() as tx:
            await tx.run("UPDATE tab_lines SET sent_at = sent_at - interval '61 seconds'")
        assert 'data-testid="sent"' not in await said(), "good news of a minute ago is no news"
