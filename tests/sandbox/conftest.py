"""A running sandbox for whoever asks for `wire`: its clock stands at the lunch of the published samples."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox import make


@pytest.fixture
async def wire() -> AsyncIterator[make.Running]:
    """A sandbox behind a real socket."""
    async with make.running() as sandbox:
        yield sandbox
