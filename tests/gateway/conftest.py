"""One sandbox process, one letter box and one house for the whole folder; every test brings orders of its own.

Everything runs on one event loop, since connections outlive tests."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from saoma.alipay.client import AlipayClient
from saoma.alipay.signing import SignType
from saoma.app import Rooms
from saoma.kit.clock import MovableClock
from saoma.kit.postgres import EmbeddedPostgres
from saoma.settings import Settings
from tests import kept
from tests.gateway import make
from tests.gateway.alipay import Alipay, LetterBox
from tests.gateway.house import House
from tests.gateway.road import Road
from tests.gateway.two import Two
from tests.identity.make import SECRET
from tests.payments.make import Bills


@pytest.fixture(scope="package")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alipay]:
    """The process."""
    made = Alipay(tmp_path_factory.mktemp("sandbox"))
    made.start()
    yield made
    made.kill()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def everybodys_alipay(sandbox: Alipay) -> AsyncIterator[Alipay]:
    """The process, and a client for it; it is lunchtime in Beijing."""
    async with aiohttp.ClientSession() as session:
        sandbox.http = session
        await sandbox.lunch()
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def alipay(everybodys_alipay: Alipay) -> Alipay:
    """The local Alipay, behaving itself whatever the test before wanted."""
    await everybodys_alipay.behave()
    return everybodys_alipay


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def box() -> AsyncIterator[LetterBox]:
    """Where notifications land."""
    made = LetterBox()
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def our_clock(everybodys_alipay: Alipay) -> MovableClock:
    """Our side's clock: it stands still between moves."""
    return MovableClock(await everybodys_alipay.now())


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def client(our_clock: MovableClock) -> AsyncIterator[AlipayClient]:
    """The socket, as patient as in production."""
    async with AlipayClient(our_clock) as made:
        yield made


@pytest.fixture(scope="package")
def database_address(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A database of this folder's own, migrated and empty: opening one per test would cost more than the tests."""
    name = f"t_gateway_{uuid.uuid4().hex[:8]}"
    yield postgres.make_database(name, template=template)
    postgres.drop_database(name)


def settings(database_address: str, box: LetterBox, folder: Path, **more: Any) -> Settings:
    """A deployment's settings; notifications go to the letter box."""
    return Settings(
        database_url=database_address, secret=SECRET, public_url=box.url, storage_url=str(folder), pool_size=8, **more
    )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def one_house(
    everybodys_alipay: Alipay,
    box: LetterBox,
    our_clock: MovableClock,
    database_address: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[House]:
    """The application, served, with one shop per sign type."""
    rooms = Rooms.build(
        settings(database_address, box, tmp_path_factory.mktemp("storage")), our_clock, {"bill": Bills()}
    )
    async with House(everybodys_alipay, box, our_clock, rooms).serving() as house:
        for sign_type in SignType:
            await house.open_shop(sign_type.value, await make.account(everybodys_alipay, sign_type))
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def house(one_house: House, alipay: Alipay) -> House:
    """The house at the beginning of a test: clocks agree, chance is off."""
    one_house.jitter = 0.0
    await one_house.meet()
    one_house.clock.advance(timedelta(milliseconds=1))
    one_house.began = one_house.clock.now()
    return one_house


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def hasty(
    one_house: House, box: LetterBox, database_address: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rooms]:
    """Another process of the same house that waits half a second for an answer, so that silences cost no more."""
    given = settings(database_address, box, tmp_path_factory.mktemp("storage"), read_seconds=0.5)
    async with another_process(one_house, given) as rooms:
        yield rooms


@pytest_asyncio.fixture(loop_scope="session")
async def another(house: House, box: LetterBox, database_address: str, tmp_path: Path) -> AsyncIterator[Rooms]:
    """Another process of the same house, as patient as the first."""
    async with another_process(house, settings(database_address, box, tmp_path)) as rooms:
        yield rooms


@asynccontextmanager
async def another_process(house: House, given: Settings) -> AsyncIterator[Rooms]:
    """Rooms of their own over the same database, opened and closed."""
    rooms = Rooms.build(given, house.clock, {"bill": Bills()})
    rooms.payments.hall.jitter = lambda: 0.0
    async with rooms.running():
        yield rooms


@pytest.fixture(scope="package")
def databases(postgres: EmbeddedPostgres, template: str) -> Iterator[dict[str, str]]:
    """One for each deployment."""
    names = {who: f"t_{who}_{uuid.uuid4().hex[:8]}" for who in ("shop", "acquirer")}
    yield {who: postgres.make_database(name, template=template) for who, name in names.items()}
    for name in names.values():
        postgres.drop_database(name)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def both(
    everybodys_alipay: Alipay,
    box: LetterBox,
    our_clock: MovableClock,
    databases: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Two]:
    """Both, served."""
    folder = tmp_path_factory.mktemp("two")

    def house(who: str) -> House:
        given = Settings(
            database_url=databases[who],
            secret=f"the secret of the {who} that nobody else has",
            public_url=box.url,
            storage_url=str(folder / who),
            pool_size=8,
            loopback_webhooks=True,
        )
        return House(everybodys_alipay, box, our_clock, Rooms.build(given, our_clock, {"bill": Bills()}))

    ours, theirs = house("shop"), house("acquirer")
    ours.rooms.acquirers.wait_seconds = 1
    await ours.meet()
    async with theirs.serving(), ours.serving(), Road(theirs.url).open() as road:
        two = Two(ours, theirs, folder, road)
        await two.begin(everybodys_alipay)
        yield two


@pytest_asyncio.fixture(loop_scope="session")
async def two(both: Two, alipay: Alipay) -> Two:
    """Both at the beginning of a test; Alipay and the road between them behave."""
    assert both.ours.alipay is alipay
    both.road.clear()
    for house in (both.ours, both.theirs):
        await house.meet()
        house.began = min(house.began, house.clock.now())
    return both


@pytest_asyncio.fixture(loop_scope="session")
async def practising(
    alipay: Alipay, box: LetterBox, our_clock: MovableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[House]:
    """A deployment that names a sandbox for practice."""
    given = settings(database_url, box, tmp_path, practice_sandbox_url=alipay.url, read_seconds=1.0)
    rooms = Rooms.build(given, our_clock, {"bill": Bills()})
    kept.keep(rooms.db)
    async with House(alipay, box, our_clock, rooms).serving() as house:
        await house.open_shop("MD5", await make.account(alipay, SignType.MD5))
        await house.meet()
        yield house
