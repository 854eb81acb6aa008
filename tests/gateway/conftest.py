"""One sandbox process, one letter box and one house for the whole folder; every test brings orders of its own.

Everything runs on one event loop, since connections outlive tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from saoma.alipay.client import AlipayClient
from saoma.kit.clock import MovableClock
from tests.gateway.alipay import Alipay, LetterBox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alipay]:
    """The process."""
    made = Alipay(tmp_path_factory.mktemp("sandbox"))
    made.start()
    yield made
    made.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def box() -> AsyncIterator[LetterBox]:
    """Where notifications land."""
    made = LetterBox()
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def our_clock(everybodys_alipay: Alipay) -> MovableClock:
    """Our side's clock: it stands still between moves."""
    return MovableClock(await everybodys_alipay.now())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(our_clock: MovableClock) -> AsyncIterator[AlipayClient]:
    """The socket, as patient as in production."""
    async with AlipayClient(our_clock) as made:
        yield made
