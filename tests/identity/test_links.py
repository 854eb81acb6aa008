"""Signed links: one purpose, one subject, an end, and once if so made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.identity.links import LinkPurpose, Links
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.seal import Seal
from tests.identity import make

HOUR = timedelta(hours=1)


def test_a_link_names_its_subject_until_it_ends(clock: MovableClock) -> None:
    links = Links(make.seal(), clock)
    text = links.make(LinkPurpose.SIGN_IN, "stf_1", HOUR)
    clock.advance(timedelta(minutes=59))
    assert links.read(LinkPurpose.SIGN_IN, text).subject == "stf_1"
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Invalid):
        links.read(LinkPurpose.SIGN_IN, text)


def test_a_pairing_link_signs_nobody_in(clock: MovableClock) -> None:
    links = Links(make.seal(), clock)
    text = links.make(LinkPurpose.PAIR, "stf_1", HOUR)
    with pytest.raises(Invalid):
        links.read(LinkPurpose.SIGN_IN, text)


def test_a_link_of_another_deployment_is_refused(clock: MovableClock) -> None:
    text = Links(Seal("another secret, also long enough for it"), clock).make(LinkPurpose.SIGN_IN, "stf_1", HOUR)
    with pytest.raises(Invalid):
        Links(make.seal(), clock).read(LinkPurpose.SIGN_IN, text)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-2], lambda t: "x" + t, lambda t: t.split(".")[0], lambda _: "", lambda _: "…"]
)
def test_a_changed_link_is_refused(clock: MovableClock, change) -> None:  # type: ignore[no-untyped-def]
    links = Links(make.seal(), clock)
    text = links.make(LinkPurpose.SIGN_IN, "stf_1", HOUR)
    with pytest.raises(Invalid):
        links.read(LinkPurpose.SIGN_IN, change(text))


async def test_a_single_use_link_is_used_once(database: Database, clock: MovableClock) -> None:
    links = Links(make.seal(), clock)
    once = links.read(LinkPurpose.PAIR, links.make(LinkPurpose.PAIR, "trm_1", HOUR, once=True))
    async with database.transaction() as tx:
        await links.use(tx, once)
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await links.use(tx, once)


async def test_a_use_that_is_rolled_back_leaves_the_link_usable(database: Database, clock: MovableClock) -> None:
    links = Links(make.seal(), clock)
    once = links.read(LinkPurpose.PAIR, links.make(LinkPurpose.PAIR, "trm_1", HOUR, once=True))
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await links.use(tx, once)
            raise ZeroDivisionError
    async with database.transaction() as tx:
        await links.use(tx, once)


async def test_an_ordinary_link_may_be_used_again(database: Database, clock: MovableClock) -> None:
    links = Links(make.seal(), clock)
    often = links.read(LinkPurpose.SIGN_IN, links.make(LinkPurpose.SIGN_IN, "stf_1", HOUR))
    async with database.transaction() as tx:
        await links.use(tx, often)
        await links.use(tx, often)
