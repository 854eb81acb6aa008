"""The key doctor for an account at an acquirer: address, API key, scopes, store, webhook and clock, by trying.

A request to pay without an Idempotency-Key is turned away after the key's scope was looked at and before anything is
done: that is how a scope is tried. Nothing here makes, changes or ends anything at the acquirer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import msgspec

from saoma.alipay.account import address_fault
from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.examining import clock_finding
from saoma.alipay.findings import Finding, Mark
from saoma.alipay.probing import Heard, Probe
from saoma.kit.clock import Clock

_KEY: Final = re.compile(r"sk_[A-Za-z0-9_-]{43}")
#: What each thing we do needs, and a request that asks for it and can't do anything.
_SCOPES: Final = (
    ("payments:read", "GET", "/payments?limit=1"),
    ("payments:write", "POST", "/payments"),
    ("refunds:write", "POST", "/payments/pay_0/refunds"),
)
#: A webhook's time stamp may be five minutes off at most.
_OFF: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class AcquirerDraft:
    """An account at an acquirer as it was typed. `notices_url` is where we wait for its webhooks.

    `forged` counts the last messages in a row that were not signed as the account says; `genuine` those that were."""

    url: str
    api_key: str = field(repr=False)
    store: str
    webhook_secret: str = field(repr=False, default="")
    environment: str = "sandbox"
    notices_url: str = ""
    forged: int = 0
    genuine: int = 0

    @classmethod
    def of(cls, account: AcquirerAccount, notices_url: str = "", forged: int = 0, genuine: int = 0) -> Self:
        """An account that is kept, as a draft."""
        return cls(
            account.url,
            account.api_key,
            account.store,
            account.webhook_secret,
            account.environment,
            notices_url,
            forged,
            genuine,
        )


class _Problem(msgspec.Struct):
    type: str = ""


class _Hook(msgspec.Struct):
    url: str = ""
    disabled_at: Any = None
    failing_since: Any = None


class _Hooks(msgspec.Struct):
    items: list[_Hook] = []


class AcquirerExamination:
    """One look at one account at an acquirer."""

    def __init__(self, draft: AcquirerDraft, probe: Probe, clock: Clock) -> None:
        self._draft = draft
        self._probe = probe
        self._clock = clock
        self._tried: list[str] = []

    async def findings(self) -> AsyncIterator[Finding]:
        """Check after check."""
        draft = self._draft
        fault = address_fault(draft.url, draft.environment) or ("" if draft.url else "shape")
        if fault:
            values = {"url": draft.url, "host": urlsplit(draft.url).netloc if "://" in draft.url else ""}
            yield Finding("addresses", Mark.WRONG, f"address_{fault}", values)
            for check in ("url", "clock", "api_key", "scopes", "store", "webhook"):
                yield Finding(check, Mark.UNKNOWN)
            return
        yield Finding("addresses", Mark.WELL)
        heard = await self._ask("GET", "/payments?limit=1")
        reached = self._reached(heard)
        yield reached
        yield clock_finding(heard, self._clock, _OFF)
        key = self._api_key(heard) if reached.mark is Mark.WELL else Finding("api_key", Mark.UNKNOWN)
        yield key
        if key.mark is not Mark.WELL:
            for check in ("scopes", "store", "webhook"):
                yield Finding(check, Mark.UNKNOWN)
            return
        yield await self._scopes(heard)
        yield await self._store()
        yield await self._webhook()

    async def _ask(self, method: str, path: str) -> Heard:
        head = {"Accept": "application/json"}
        if _printable(self._draft.api_key):
            head["Authorization"] = f"Bearer {self._draft.api_key.strip()}"
        body = None
        if method == "POST":
            # without an Idempotency-Key: turned away before anything is looked at but the key's scope
            head["Content-Type"], body = "application/json", b"{}"
        heard = await self._probe.ask(method, f"{self._draft.url.rstrip('/')}/api/v1{path}", body=body, headers=head)
        self._tried.append(
            f"{method} /api/v1{path.partition('?')[0]}: {heard.trouble or heard.status} {_kind(heard)}".strip()
        )
        return heard

    def _reached(self, heard: Heard) -> Finding:
        host = urlsplit(self._draft.url).netloc
        if heard.trouble:
            return Finding("url", Mark.WRONG, heard.trouble, {"host": host}, self._tried)
        if (heard.status == 200 and heard.kind == "application/json") or _kind(heard):
            return Finding("url", Mark.WELL)
        return Finding("url", Mark.WRONG, "not_saoma", {"host": host, "status": str(heard.status)}, self._tried)

    def _api_key(self, heard: Heard) -> Finding:
        if not _KEY.fullmatch(self._draft.api_key):
            return Finding("api_key", Mark.WRONG, "api_key_blank")
        if _kind(heard) == "unauthorized":
            return Finding("api_key", Mark.WRONG, "api_key_unknown", {}, self._tried)
        if _kind(heard) == "too-many":
            return Finding("api_key", Mark.WRONG, "busy", {"code": "too-many"}, self._tried)
        return Finding("api_key", Mark.WELL)

    async def _scopes(self, first: Heard) -> Finding:
        missing = []
        for scope, method, path in _SCOPES:
            heard = first if path == "/payments?limit=1" else await self._ask(method, path)
            if _kind(heard) == "not-allowed":
                missing.append(scope)
        if missing:
            return Finding("scopes", Mark.WRONG, "scope_missing", {"scopes": ", ".join(missing)}, self._tried)
        return Finding("scopes", Mark.WELL, tried=self._tried)

    async def _store(self) -> Finding:
        """A question that names the store: one the key is not for is not found."""
        store = quote(self._draft.store, safe="")
        heard = await self._ask("GET", f"/payments?limit=1&store={store}")
        if heard.status == 200:
            return Finding("store", Mark.WELL)
        if _kind(heard) == "not-allowed":
            return Finding("store", Mark.UNKNOWN)
        return Finding("store", Mark.WRONG, "store_unknown", {"store": self._draft.store[:64]}, self._tried)

    async def _webhook(self) -> Finding:
        draft = self._draft
        if not draft.webhook_secret:
            return Finding("webhook", Mark.WRONG, "webhook_no_secret")
        if draft.forged:
            return Finding("webhook", Mark.WRONG, "webhook_secret")
        heard = await self._ask("GET", "/webhooks?limit=100")
        if heard.status == 200:
            try:
                hooks = [
                    one for one in msgspec.json.decode(heard.body, type=_Hooks).items if one.url == draft.notices_url
                ]
            except ValueError:
                hooks = []
            if not hooks:
                return Finding("webhook", Mark.WRONG, "webhook_none", {"url": draft.notices_url}, self._tried)
            if all(one.disabled_at is not None for one in hooks):
                return Finding("webhook", Mark.WRONG, "webhook_disabled", {"url": draft.notices_url}, self._tried)
        elif not draft.genuine:
            return Finding("webhook", Mark.UNKNOWN, "no_scope")
        return Finding("webhook", Mark.WELL) if draft.genuine else Finding("webhook", Mark.UNKNOWN, "nothing_came")


def _kind(heard: Heard) -> str:
    """Which problem of the partner API this is; empty for anything else."""
    if heard.kind != "application/problem+json":
        return ""
    try:
        _, named, kind = msgspec.json.decode(heard.body, type=_Problem).type.rpartition("/api/problems/")
    except (ValueError, RecursionError):
        return ""
    return kind if named else ""


def _printable(text: str) -> bool:
    bare = text.strip()
    return bool(bare) and bare.isascii() and bare.isprintable()
