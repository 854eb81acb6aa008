"""The key doctor for accounts at an acquirer, against a whole deployment's partner API: one planted fault each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from saoma.alipay.examining_acquirer import AcquirerDraft, AcquirerExamination
from saoma.alipay.findings import Finding, Mark
from saoma.alipay.probing import Heard, Probe
from saoma.identity.api_keys import Scope
from saoma.kit.clock import Clock, MovableClock
from tests.api.make import Deployment, deployment

NOTICES = "https://shop.example.com/acquirer/notify/acc_1"
ENOUGH = (Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE, Scope.REFUNDS_WRITE)


class Through(Probe):
    """Knocks at a deployment without a socket; what it can't have, a `Date`, is the deployment's own clock."""

    def __init__(self, house: Deployment) -> None:
        super().__init__()
        self._house = house

    async def ask(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Heard:
        """Ask it."""
        path = url.removeprefix("http://acquirer.test")
        if path == url:
            return Heard("not_reached")
        answer = await self._house.http.request(method, path, content=body, headers=dict(headers or {}))
        kind = answer.headers.get("content-type", "").partition(";")[0]
        return Heard("", answer.status_code, kind, answer.content, self._house.clock.now())


@pytest.fixture
async def house(database_url: str, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with deployment(database_url, clock, tmp_path) as made:
        yield made


async def draft(house: Deployment, *scopes: Scope) -> AcquirerDraft:
    """An account in order, its webhook made and heard of."""
    program = await house.program(*(scopes or (*ENOUGH, Scope.WEBHOOKS)))
    if Scope.WEBHOOKS in program.key.scopes:
        made = await program.post("/webhooks", {"url": NOTICES, "events": ["payment.succeeded"]})
        assert made.status_code == 201, made.text
    return AcquirerDraft(
        "http://acquirer.test", program.secret, house.shop.store.id, "whsec_x", notices_url=NOTICES, genuine=1
    )


async def examined(house: Deployment, typed: AcquirerDraft, clock: Clock | None = None) -> list[Finding]:
    async with Through(house) as probe:
        return [one async for one in AcquirerExamination(typed, probe, clock or house.clock).findings()]


def wrongs(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.check, one.fault) for one in findings if one.mark is Mark.WRONG]


async def test_an_account_in_order_is_found_in_order_and_leaves_nothing_behind(house: Deployment) -> None:
    findings = await examined(house, await draft(house))
    checks = ("addresses", "url", "clock", "api_key", "scopes", "store", "webhook")
    assert {one.check: one.mark for one in findings} == dict.fromkeys(checks, Mark.WELL)
    assert await house.count("SELECT count(*) FROM payments") == 0
    assert await house.count("SELECT count(*) FROM refunds") == 0


async def _changed(house: Deployment, **changes: object) -> AcquirerDraft:
    return replace(await draft(house), **changes)  # type: ignore[arg-type]


async def _without(house: Deployment, scope: Scope) -> AcquirerDraft:
    return await draft(house, *(one for one in (*ENOUGH, Scope.WEBHOOKS) if one is not scope))


async def _revoked(house: Deployment) -> AcquirerDraft:
    made = await draft(house)
    async with house.rooms.db.reading() as rows:
        await rows.run("UPDATE api_keys SET revoked_at = now()")
    return made


async def _given_up(house: Deployment) -> AcquirerDraft:
    made = await draft(house)
    async with house.rooms.db.reading() as rows:
        await rows.run("UPDATE webhooks SET disabled_at = now()")
    return made


PLANTED: dict[str, tuple[Callable[[Deployment], Awaitable[AcquirerDraft]], tuple[str, str]]] = {
    "a key that was revoked": (_revoked, ("api_key", "api_key_unknown")),
    "a key of somebody else": (lambda at: _changed(at, api_key="sk_" + "x" * 43), ("api_key", "api_key_unknown")),
    "a key with a line end": (lambda at: _changed(at, api_key="sk_" + "x" * 43 + "\n"), ("api_key", "api_key_blank")),
    "a key that may not see payments": (lambda at: _without(at, Scope.PAYMENTS_READ), ("scopes", "scope_missing")),
    "a key that may not take payments": (lambda at: _without(at, Scope.PAYMENTS_WRITE), ("scopes", "scope_missing")),
    "a key that may not refund": (lambda at: _without(at, Scope.REFUNDS_WRITE), ("scopes", "scope_missing")),
    "a store of nobody's": (lambda at: _changed(at, store="sto_" + "0" * 25), ("store", "store_unknown")),
    "no secret": (lambda at: _changed(at, webhook_secret=""), ("webhook", "webhook_no_secret")),
    "another secret": (lambda at: _changed(at, forged=3), ("webhook", "webhook_secret")),
    "a webhook to another address": (
        lambda at: _changed(at, notices_url="https://shop.example.com/acquirer/notify/acc_2"),
        ("webhook", "webhook_none"),
    ),
    "a webhook that was given up": (_given_up, ("webhook", "webhook_disabled")),
    "another path": (lambda at: _changed(at, url="http://acquirer.test/healthz?x="), ("addresses", "address_shape")),
    "a server that is no acquirer": (lambda at: _changed(at, url="http://acquirer.test/staff"), ("url", "not_saoma")),
    "nobody there": (lambda at: _changed(at, url="http://elsewhere.test"), ("url", "not_reached")),
    "production at a private address": (
        lambda at: _changed(at, environment="production"),
        ("addresses", "address_sandbox"),
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
async def test_a_planted_fault_at_an_acquirer_is_named_and_no_other(house: Deployment, fault: str) -> None:
    typed, expected = PLANTED[fault]
    findings = await examined(house, await typed(house))
    assert wrongs(findings) == [expected], [(one.check, one.mark, one.fault, one.tried) for one in findings]


async def test_a_clock_that_webhooks_would_not_forgive_is_found(house: Deployment) -> None:
    late = MovableClock(house.clock.now() - timedelta(minutes=6))
    assert wrongs(await examined(house, await draft(house), late)) == [("clock", "clock_slow")]


async def test_the_scopes_that_lack_are_named_all_at_once(house: Deployment) -> None:
    findings = await examined(house, await draft(house, Scope.PAYMENTS_READ))
    (finding,) = [one for one in findings if one.mark is Mark.WRONG]
    assert finding.values == {"scopes": "payments:write, refunds:write"}
