"""Roads that can be cut: what comes through, what does not, and that who is cut off notices."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from saoma.demo.roads import Road
from saoma.kit.db import Database


@pytest.fixture
async def road() -> AsyncIterator[Road]:
    """A road to somebody who answers each line with a thousand times its first letter."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line[:1] * 1_000)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    road = Road("test", server.sockets[0].getsockname()[:2])
    await road.open()
    yield road
    await road.close()
    server.close()


async def _say(road: Road) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", road.port)
    writer.write(b"a\n")
    return reader, writer


async def _end_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(30):
        try:
            return await reader.read(2_000)
        except ConnectionResetError:
            return b""


async def test_a_quiet_road_lets_everything_through(road: Road) -> None:
    reader, writer = await _say(road)
    assert await reader.readexactly(1_000) == b"a" * 1_000
    writer.write(b"b\n")
    assert await reader.readexactly(1_000) == b"b" * 1_000
    assert road.cuts == 0
    writer.close()


async def test_an_answer_is_broken_off_after_as_many_bytes_as_was_wanted(road: Road) -> None:
    road.shorten(7)
    reader, writer = await _say(road)
    assert await _end_of(reader) == b"a" * 7
    assert await _end_of(reader) == b""
    writer.close()
    reader, writer = await _say(road)
    assert await reader.readexactly(1_000) == b"a" * 1_000, "the next one is whole"
    assert road.cuts == 1
    writer.close()


async def test_a_cut_road_ends_what_is_on_it_and_carries_what_comes_after(road: Road) -> None:
    reader, writer = await _say(road)
    await reader.readexactly(1_000)
    road.cut()
    assert await _end_of(reader) == b""
    writer.close()
    reader, writer = await _say(road)
    assert await reader.readexactly(1_000) == b"a" * 1_000
    writer.close()


async def test_a_hole_swallows_what_is_said_and_resets_nobody_until_it_is_over(road: Road) -> None:
    before, speaking = await _say(road)
    await before.readexactly(1_000)
    road.swallow(60)
    speaking.write(b"b\n")
    later, knocking = await _say(road)
    for reader in (before, later):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
    road.mend()
    assert [await _end_of(reader) for reader in (before, later)] == [b"", b""]
    for writer in (speaking, knocking):
        writer.close()
    reader, writer = await _say(road)
    assert await reader.readexactly(1_000) == b"a" * 1_000, "the road carries again"
    writer.close()


async def test_a_hole_is_over_by_itself(road: Road) -> None:
    road.swallow(0.05)
    reader, writer = await _say(road)
    assert await _end_of(reader) == b""
    writer.close()


def _through(road: Road, database_url: str) -> str:
    """The way to that database over a road."""
    parts = urlsplit(database_url)
    road.target = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    return f"postgresql://saoma@127.0.0.1:{road.port}{parts.path}?sslmode=disable&gssencmode=disable"


async def test_a_database_in_a_hole_is_not_waited_for_without_end(database_url: str) -> None:
    road = Road("database")
    await road.open()
    way = _through(road, database_url)
    db = Database(f"{way}&connect_timeout=2", min_size=1, max_size=1, reconnect_seconds=0.4)
    clock = asyncio.get_running_loop().time
    async with db.opened():
        async with db.reading() as rows:
            watched = socket.socket(fileno=os.dup(rows.connection.fileno()))
        with watched:
            # packets that nobody confirms end a connection: the kernel's doing, so that no statement waits for ever
            assert watched.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            alone = sum(
                watched.getsockopt(socket.IPPROTO_TCP, option) * times
                for option, times in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 3))
            )
            assert alone <= 30 and 0 < watched.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000
        # a connection that is made into the hole gives up by itself, without a reset
        road.cut()
        road.swallow(600)
        began = clock()
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect(**db.arguments)
        assert clock() - began < 4
        assert not await db.alive()
        road.mend()
        while not await db.alive():
            assert clock() - began < 15
    await road.close()


async def test_a_way_that_sets_its_own_limits_keeps_them() -> None:
    ours = Database("postgresql://saoma@127.0.0.1/saoma?connect_timeout=9&tcp_user_timeout=1234")
    assert (ours.arguments["connect_timeout"], ours.arguments["tcp_user_timeout"]) == ("9", "1234")


async def test_a_road_that_leads_nowhere_ends_at_once() -> None:
    road = Road("nowhere", "/nowhere/at/all")
    await road.open()
    reader, writer = await _say(road)
    assert await _end_of(reader) == b""
    writer.close()
    await road.close()


async def test_a_database_that_was_away_is_found_again_soon_however_long_it_was_gone(database_url: str) -> None:
    parts = urlsplit(database_url)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    road = Road("database", socket)
    await road.open()
    way = f"postgresql://saoma@127.0.0.1:{road.port}{parts.path}?sslmode=disable&gssencmode=disable"
    db = Database(way, min_size=2, reconnect_seconds=0.4)
    clock = asyncio.get_running_loop().time
    async with db.opened():
        assert await db.alive()
        road.target = "/nowhere/at/all"
        road.cut()
        until = clock() + 3.6
        while clock() < until:
            # many ask at once, until every connection of the pool waits for its next attempt
            assert not any(await asyncio.gather(*(db.alive() for _ in range(12))))
        road.target, back = socket, clock()
        while not await db.alive():
            assert clock() - back < 10
        assert clock() - back < 2.0
    await road.close()
