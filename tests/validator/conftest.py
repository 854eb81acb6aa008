"""One sandbox and one integration for the whole folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.validator import make


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench() -> AsyncIterator[make.Bench]:
    """Both, served."""
    async with make.bench() as made:
        yield made


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def right(bench: make.Bench) -> make.Right:
    """What the integration that does everything right was found to do."""
    return await bench.right()
