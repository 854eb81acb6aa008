"""One local Alipay and one process per client, shared by all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients import playing
from tests.clients.installing import NPM
from tests.clients.playing import Alipay, Client


@pytest.fixture(scope="session")
def alipay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alipay]:
    """The sandbox as a process."""
    with playing.running(tmp_path_factory.mktemp("clients")) as running:
        yield running


def _client(alipay: Alipay, name: str) -> Iterator[Client]:
    client = Client(name, playing.setup_of(alipay, name))
    yield client
    client.close()


@pytest.fixture(scope="session")
def official(alipay: Alipay) -> Iterator[Client]:
    """alipay-sdk-python."""
    yield from _client(alipay, playing.OFFICIAL)


@pytest.fixture(scope="session")
def community(alipay: Alipay) -> Iterator[Client]:
    """python-alipay-sdk."""
    yield from _client(alipay, playing.COMMUNITY)


@pytest.fixture(scope="session")
def old(alipay: Alipay) -> Iterator[Client]:
    """The old alipay."""
    yield from _client(alipay, playing.OLD)


@pytest.fixture(scope="session")
def node(alipay: Alipay) -> Iterator[Client]:
    """npm's alipay-sdk."""
    yield from _client(alipay, NPM)
