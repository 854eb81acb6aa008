"""Sessions in the database: written when they change, never under an id that someone else chose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.web.sessions import COOKIE, PostgresSessions
from tests.web.make import server


@pytest.fixture
async def client(database: Database, clock: MovableClock) -> AsyncIterator[AsyncTestClient[Any]]:
    async with AsyncTestClient(server(database, clock=clock)) as client:
        yield client


async def _count(database: Database) -> int:
    async with database.reading() as rows:
        return int(await rows.value("SELECT count(*) FROM sessions"))


async def test_a_word_is_remembered_from_one_request_to_the_next(client: AsyncTestClient[Any]) -> None:
    await client.get("/remember/soup")
    assert (await client.get("/recall")).text == "soup"


async def test_who_only_looks_gets_no_session_and_no_cookie(client: AsyncTestClient[Any], database: Database) -> None:
    answer = await client.get("/recall")
    assert COOKIE not in answer.cookies
    assert await _count(database) == 0


async def test_an_unchanged_session_is_not_written_again(client: AsyncTestClient[Any], database: Database) -> None:
    async def written() -> str:
        async with database.reading() as rows:
            return str(await rows.value("SELECT xmin::text FROM sessions"))

    await client.get("/remember/soup")
    before = await written()
    answer = await client.get("/recall")
    assert answer.text == "soup" and COOKIE not in answer.cookies
    assert await written() == before


async def test_an_id_that_nobody_gave_out_is_not_taken_over(client: AsyncTestClient[Any]) -> None:
    planted = "ab" * 32
    client.cookies.set(COOKIE, planted)
    answer = await client.get("/remember/soup")
    assert answer.cookies[COOKIE] != planted
    client.cookies.clear()
    client.cookies.set(COOKIE, planted)
    assert (await client.get("/recall")).text == ""


async def test_forgetting_removes_the_row_and_the_cookie(client: AsyncTestClient[Any], database: Database) -> None:
    await client.get("/remember/soup")
    answer = await client.get("/forget")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await _count(database) == 0


async def test_a_copy_of_the_table_opens_no_session(client: AsyncTestClient[Any], database: Database) -> None:
    answer = await client.get("/remember/soup")
    async with database.reading() as rows:
        stored = await rows.value("SELECT id FROM sessions")
    assert stored != answer.cookies[COOKIE]
    client.cookies.clear()
    client.cookies.set(COOKIE, stored)
    assert (await client.get("/recall")).text == ""


async def test_a_session_ends_thirty_days_after_the_last_visit(
    client: AsyncTestClient[Any], clock: MovableClock, database: Database
) -> None:
    await client.get("/remember/soup")
    clock.advance(timedelta(days=20))
    assert (await client.get("/recall")).text == "soup"
    clock.advance(timedelta(days=20))
    assert (await client.get("/recall")).text == "soup"
    clock.advance(timedelta(days=31))
    assert (await client.get("/recall")).text == ""
    assert await PostgresSessions(database, clock).delete_expired() == 1


async def test_the_cookie_is_out_of_reach_for_scripts_and_foreign_posts(
    database: Database, clock: MovableClock
) -> None:
    async with AsyncTestClient(server(database, clock=clock, secure=True), base_url="https://shop.example") as client:
        answer = await client.get("/remember/soup")
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(COOKIE))
    assert "HttpOnly" in cookie and "Secure" in cookie and "SameSite=lax" in cookie
