"""A running sandbox for whoever asks for `wire`: its clock stands at the lunch of the published samples.

`client` and `served` are clients of Alipay+: one asks the gateway directly, the other through a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox import make
from tests.sandbox.near import near
from tests.sandbox.plus import make as plus


@pytest.fixture
async def wire() -> AsyncIterator[make.Running]:
    """A sandbox behind a real socket."""
    async with make.running() as sandbox:
        yield sandbox


@pytest.fixture
def client() -> plus.Client:
    """A client of a sandbox without a web server: most of what is asked of Alipay+ needs none."""
    return plus.Client(near(make.settings(partners=[plus.partner()])))


@pytest.fixture
async def served() -> AsyncIterator[plus.Client]:
    """A client of a sandbox behind a real socket."""
    async with make.running(config=make.settings(partners=[plus.partner()])) as sandbox:
        yield plus.Client(sandbox)
