"""How a phone inside the Alipay app tells us its buyer: the authorization of https://docs.antom.com/ac/common/obtain_uid.

The buyer id may come from the token call only; nothing that a phone sends in a URL is believed. `state` is bound to the
session, names one account and one page, and works once. An account at an acquirer signs in through the acquirer's
application: the phone takes one turn more, and comes back to us with a code of the acquirer's."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import urlencode

import structlog

from saoma.alipay.account import Account
from saoma.alipay.acquirer_client import AcquirerClient
from saoma.alipay.acquirer_wallet import authorization_at, buyer_at
from saoma.alipay.wallet import authorization_url
from saoma.identity import model
from saoma.identity.acquirers import acquirer
from saoma.identity.links import first_use
from saoma.identity.paths import safe_path
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotFound, SaomaError
from saoma.kit.seal import Seal

log = structlog.get_logger(__name__)

_STATES: Final = "alipay_states"
_BUYERS: Final = "buyers"
_STATE_LIVES: Final = timedelta(minutes=10)
_STATES_KEPT: Final = 5
#: Sixteen digits that begin with 2088: https://docs.antom.com/ac/global/oauth_token.
_USER_ID: Final = re.compile(r"2088[0-9]{12}")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_ACCOUNT: Final = "There is no such account. Scan the code again."


@runtime_checkable
class Wallets(Protocol):
    """Whoever can exchange an authorization code for a user id (the Alipay client)."""

    async def buyer_of(self, account: Account, auth_code: str) -> str:
        """The user id of whoever authorized.

        Raises a `SaomaError` when there is none to be had; its `code` is `no_user_id` when Alipay gave another id."""


@dataclass(frozen=True, slots=True)
class Known:
    """The buyer is known; send them on to `next_path`."""

    account_id: str
    buyer_id: str
    next_path: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Alipay gave no buyer this time; `next_path` is where the person wanted to go."""

    account_id: str
    next_path: str


@dataclass(frozen=True, slots=True)
class NoUserId:
    """Alipay answered with an id that payments can't use (`open_id` alone): the app's settings need the operator."""

    account_id: str
    next_path: str


@dataclass(frozen=True, slots=True)
class Stale:
    """The callback belongs to no authorization this device began: old, repeated, or made by somebody else."""


Outcome = Known | TryAgain | NoUserId | Stale


def authorize_path(next_path: str, account_id: str = "") -> str:
    """The link that begins the authorization and comes back to `next_path`; without account, the only one is meant."""
    query = {"next": next_path} | ({"account": account_id} if account_id else {})
    return "/alipay/authorize?" + urlencode(query)


def buyer_in(session: Any, account_id: str = "") -> str:
    """The buyer this session is known as, for payments through `account_id`; empty when unknown.

    Without an account, the buyer who authorized last."""
    data = dict(session or {})
    if not account_id:
        return str(data.get("buyer_id", ""))
    return str(dict(data.get(_BUYERS) or {}).get(account_id, ""))


def remember_buyer(session: dict[str, Any], account_id: str, buyer_id: str) -> None:
    """Keep in the session whom Alipay said this is."""
    session[_BUYERS] = {**dict(session.get(_BUYERS) or {}), account_id: buyer_id}
    session["buyer_id"] = buyer_id


def new_state(session: dict[str, Any], account_id: str, next_path: str, now: datetime) -> str:
    """An unpredictable state for one authorization; the session remembers a few, since a person may scan twice."""
    state = secrets.token_urlsafe(24)
    kept = dict(list(dict(session.get(_STATES) or {}).items())[-(_STATES_KEPT - 1) :])
    session[_STATES] = {**kept, state: [account_id, next_path, now.timestamp()]}
    return state


def take_state(session: dict[str, Any], state: str, now: datetime) -> tuple[str, str] | None:
    """The account and page a state was made for, once and for ten minutes; None for any other state."""
    states = dict(session.get(_STATES) or {})
    found = next((known for known in states if hmac.compare_digest(known.encode(), state.encode())), None)
    if found is None:
        return None
    account_id, next_path, made_at = states.pop(found)
    session[_STATES] = states
    if now.timestamp() - float(made_at) > _STATE_LIVES.total_seconds():
        return None
    return str(account_id), safe_path(str(next_path))


class WalletSignIn:
    """Begins authorizations and ends them."""

    def __init__(
        self, db: Database, seal: Seal, clock: Clock, wallets: Wallets, at_acquirers: AcquirerClient | None = None
    ) -> None:
        self._db = db
        self._seal = seal
        self._clock = clock
        self._wallets = wallets
        self._at_acquirers = at_acquirers

    async def account_id(self, named: str) -> str:
        """The account that is meant: the named one, or the only one. Raises `NotFound` or `Invalid`."""
        async with self._db.reading() as rows:
            if named:
                found = await rows.value("SELECT id FROM accounts WHERE id = %(id)s", {"id": named})
                if found is None:
                    raise NotFound(_NO_ACCOUNT)
                return str(found)
            count = await rows.value("SELECT count(*) FROM accounts")
            only = await rows.value("SELECT id FROM accounts ORDER BY created_at, id LIMIT 1")
        if count != 1:
            raise Invalid("It is not clear whom to pay. Scan the code again.")
        return str(only)

    async def begin(self, session: dict[str, Any], account_id: str, next_path: str, redirect_uri: str) -> str:
        """The authorization URL to send this phone to.

        Raises `NotSent` or `OutcomeUnknown` where an acquirer must be asked and gives none."""
        async with self._db.reading() as rows:
            there = await acquirer(rows, self._seal, account_id)
            account = None if there else await model.account(rows, self._seal, account_id)
        state = new_state(session, account_id, safe_path(next_path), self._clock.now())
        if account is not None:
            return authorization_url(account, redirect_uri, state)
        if there is None or self._at_acquirers is None:
            raise NotFound(_NO_ACCOUNT)
        return await authorization_at(self._at_acquirers, there, redirect_uri, state)

    async def end(self, session: dict[str, Any], state: str, auth_code: str) -> Outcome:
        """Judge a callback: check the state, exchange the code. Changes only the session's states."""
        taken = take_state(session, state, self._clock.now())
        if taken is None or not await self._first_use(state):
            return Stale()
        account_id, next_path = taken
        if not _CODE.fullmatch(auth_code):
            return TryAgain(account_id, next_path)
        try:
            buyer_id = await self._buyer_of(account_id, auth_code)
        except SaomaError as error:
            log.warning("wallet_sign_in.no_buyer", account=account_id, why=type(error).__name__, error=str(error))
            unusable = getattr(error, "code", "") == "no_user_id"
            return NoUserId(account_id, next_path) if unusable else TryAgain(account_id, next_path)
        if not _USER_ID.fullmatch(buyer_id):
            log.error("wallet_sign_in.no_user_id", account=account_id)
            return NoUserId(account_id, next_path)
        return Known(account_id, buyer_id, next_path)

    async def _buyer_of(self, account_id: str, auth_code: str) -> str:
        async with self._db.reading() as rows:
            there = await acquirer(rows, self._seal, account_id)
            account = None if there else await model.account(rows, self._seal, account_id)
        if account is not None:
            return await self._wallets.buyer_of(account, auth_code)
        if there is None or self._at_acquirers is None:
            raise NotFound(_NO_ACCOUNT)
        return await buyer_at(self._at_acquirers, there, auth_code)

    async def _first_use(self, state: str) -> bool:
        """Two callbacks at once read the same session: the database says which came first."""
        now = self._clock.now()
        async with self._db.reading() as rows:
            return await first_use(rows, state, "wallet_state", now + _STATE_LIVES, now)
