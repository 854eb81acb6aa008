"""Gateway accounts as operators handle them: seen without their keys, added, changed, given new keys, stopped.

An account is who we are at Alipay: what was begun with it is finished with it. So its PID, environment and currency
never change once a payment was made; going live makes another account (`going_live`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from saoma.alipay.account import Account
from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.key_texts import key_name, read_key
from saoma.alipay.signing import SignType, new_rsa_key
from saoma.gateway import PRACTICE_ACCOUNT
from saoma.identity import audit, model
from saoma.identity.acquirers import add_acquirer
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import exponent
from saoma.kit.seal import Seal

#: Alipay repeats a notification for 25 hours (https://docs.antom.com/ac/web/async): so long an old key may still speak.
FORMER_KEY_LIVES: Final = timedelta(hours=25)
#: The fields of an account that hold a key.
KEYS: Final = ("md5_key", "private_key", "alipay_public_key")


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as people see it. Of its keys it says only which there are."""

    id: str
    name: str
    partner: str
    app_id: str
    sign_type: str
    environment: str
    currency: str
    charset: str
    channel: str
    gateway_url: str
    openapi_url: str
    auth_url: str
    created_at: datetime
    stopped_at: datetime | None
    former_until: datetime | None
    goes_live_for: str
    has_md5: bool
    has_private: bool
    has_alipay: bool
    store: str
    has_webhook: bool
    merchants: int


_VIEW: Final = """
SELECT a.id, a.name, a.partner, a.app_id, a.sign_type, a.environment, a.currency, a.charset, a.channel, a.gateway_url,
    a.openapi_url, a.auth_url, a.created_at, a.stopped_at, a.former_until,
    coalesce(a.goes_live_for, '') AS goes_live_for,
    a.md5_key <> '' AS has_md5, a.private_key <> '' AS has_private, a.alipay_public_key <> '' AS has_alipay,
    coalesce(q.store, '') AS store, coalesce(q.webhook_secret, '') <> '' AS has_webhook,
    (SELECT count(*) FROM merchants AS m WHERE m.account_id = a.id) AS merchants
FROM accounts AS a LEFT JOIN acquirers AS q ON q.account_id = a.id
WHERE a.id <> %(practice)s AND %(id)s IN ('', a.id) ORDER BY a.environment, a.name, a.id
"""


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """A pair made here that no account uses yet. Only its public half is ever shown."""

    id: str
    public_key: str
    fingerprint: str
    made_by: str
    made_at: datetime


async def account_views(rows: Rows) -> list[AccountView]:
    """Every account, the one for practice left out."""
    return await rows.rows(AccountView, _VIEW, {"practice": PRACTICE_ACCOUNT, "id": ""})


async def account_view(rows: Rows, account_id: str) -> AccountView:
    """One account. Raises `NotFound`."""
    return await rows.one(AccountView, _VIEW, {"practice": PRACTICE_ACCOUNT, "id": account_id})


async def accounts_mark(rows: Rows) -> int:
    """A number that goes up with each change of any account, whoever makes it."""
    return int(await rows.value("SELECT version FROM accounts_mark"))


# --- adding and changing ----------------------------------------------------------------------------------------------


async def add_direct(tx: Transaction, seal: Seal, clock: Clock, account: Account, *, name: str, by: str) -> str:
    """Add an account at Alipay itself and tell its id. Raises `Conflict` where this PID is there already."""
    await _check_free(tx, account.partner, account.environment)
    account_id = await model.add_account(tx, seal, account, name=_name(name))
    await audit.note(tx, clock, who=by, what="account_added", subject=account_id, detail=facts(account))
    return account_id


async def add_at_acquirer(
    tx: Transaction, seal: Seal, clock: Clock, account: AcquirerAccount, *, name: str, currency: str, by: str
) -> str:
    """Add an account at an acquirer and tell its id. Raises `Invalid`."""
    exponent(currency)
    account_id = await add_acquirer(tx, seal, account, name=_name(name), currency=currency)
    detail = {"url": account.url, "store": account.store, "environment": account.environment}
    await audit.note(tx, clock, who=by, what="account_added", subject=account_id, detail=detail)
    return account_id


async def change_direct(
    tx: Transaction, seal: Seal, clock: Clock, account_id: str, account: Account, *, name: str, by: str
) -> None:
    """Change what may change beside the keys: name, APPID, addresses, charset; the PID while nothing was paid.

    Raises `NotFound`, `Conflict`, `Invalid`."""
    await lock(tx, account_id)
    before = await model.account(tx, seal, account_id)
    if (account.environment, account.currency) != (before.environment, before.currency):
        raise Conflict("Environment and currency stay what they are: add another account instead.")
    if account.partner != before.partner:
        await _check_unused(tx, account_id)
        await _check_free(tx, account.partner, account.environment)
    changed = {name: value for name, value in facts(account).items() if facts(before)[name] != value}
    given = {"id": account_id, "name": _name(name), **facts(account)}
    await tx.run(
        """UPDATE accounts SET name = %(name)s, partner = %(partner)s, app_id = %(app_id)s, charset = %(charset)s,
                               gateway_url = %(gateway_url)s, openapi_url = %(openapi_url)s, auth_url = %(auth_url)s
           WHERE id = %(id)s""",
        given,
    )
    await audit.note(tx, clock, who=by, what="account_changed", subject=account_id, detail=changed)


async def change_at_acquirer(
    tx: Transaction, seal: Seal, clock: Clock, account_id: str, account: AcquirerAccount, *, name: str, by: str
) -> None:
    """Change an account at an acquirer; address and store only while nothing was paid. Raises as `change_direct`."""
    view = await lock(tx, account_id)
    if view.environment != account.environment:
        raise Conflict("Environment and currency stay what they are: add another account instead.")
    if (account.url, account.store) != (view.gateway_url, view.store):
        await _check_unused(tx, account_id)
    given = {
        "id": account_id,
        "name": _name(name),
        "url": account.url,
        "store": account.store,
        "api_key": seal.seal(account.api_key),
        "secret": seal.seal(account.webhook_secret) if account.webhook_secret else "",
    }
    await tx.run("UPDATE accounts SET name = %(name)s, gateway_url = %(url)s WHERE id = %(id)s", given)
    await tx.run(
        """UPDATE acquirers SET url = %(url)s, store = %(store)s, api_key = %(api_key)s, webhook_secret = %(secret)s
           WHERE account_id = %(id)s""",
        given,
    )
    detail = {"url": account.url, "store": account.store}
    await audit.note(tx, clock, who=by, what="account_changed", subject=account_id, detail=detail)


async def replace_keys(
    tx: Transaction, seal: Seal, clock: Clock, account_id: str, account: Account, *, by: str, believe_former: bool
) -> None:
    """Put other keys, and the sign type they are for, in an account's place.

    With `believe_former`, notifications signed with the old key are believed for `FORMER_KEY_LIVES` more; without, from
    now on no more, as it must be where somebody else knows it. Answers are never checked with an old key."""
    await lock(tx, account_id)
    before = await model.account(tx, seal, account_id)
    former = before.md5_key if before.sign_type is SignType.MD5 else before.alipay_public_key
    now_key = account.md5_key if account.sign_type is SignType.MD5 else account.alipay_public_key
    keep = believe_former and (key_name(former), before.sign_type) != (key_name(now_key), account.sign_type)
    await model.change_account_keys(tx, seal, account_id, account)
    await tx.run(
        """UPDATE accounts SET former_sign_type = %(sign_type)s, former_key = %(key)s, former_until = %(until)s
           WHERE id = %(id)s""",
        {
            "id": account_id,
            "sign_type": before.sign_type.value if keep else "",
            "key": seal.seal(former) if keep else "",
            "until": clock.now() + FORMER_KEY_LIVES if keep else None,
        },
    )
    detail = {
        "sign_type": account.sign_type.value,
        "replaced": [name for name in KEYS if key_name(getattr(account, name)) != key_name(getattr(before, name))],
        "fingerprint": read_key(account.private_key, "private").fingerprint if account.private_key else "",
        "former_believed": keep,
    }
    await audit.note(tx, clock, who=by, what="account_keys_replaced", subject=account_id, detail=detail)


async def stop_account(tx: Transaction, clock: Clock, account_id: str, *, by: str, reason: str) -> None:
    """From now on nobody pays through it; what was begun is followed to its end, and refunds go on."""
    if not reason.strip():
        raise Invalid("Say why: the next person wants to know.")
    await lock(tx, account_id)
    changed = await tx.run(
        "UPDATE accounts SET stopped_at = %(now)s WHERE id = %(id)s AND stopped_at IS NULL",
        {"id": account_id, "now": clock.now()},
    )
    if changed:
        detail = {"reason": reason.strip()[:200]}
        await audit.note(tx, clock, who=by, what="account_stopped", subject=account_id, detail=detail)


async def resume_account(tx: Transaction, clock: Clock, account_id: str, *, by: str) -> None:
    """Let people pay through a stopped account again."""
    await lock(tx, account_id)
    changed = await tx.run(
        "UPDATE accounts SET stopped_at = NULL WHERE id = %(id)s AND stopped_at IS NOT NULL", {"id": account_id}
    )
    if changed:
        await audit.note(tx, clock, who=by, what="account_resumed", subject=account_id)


async def lock(tx: Transaction, account_id: str) -> AccountView:
    """Hold an account's row, so that two people's changes come one after the other. Raises `NotFound`."""
    await tx.value("SELECT id FROM accounts WHERE id = %(id)s FOR UPDATE", {"id": account_id})
    return await account_view(tx, account_id)


def facts(account: Account) -> dict[str, str]:
    """What of an account may be told to anybody."""
    names = ("partner", "app_id", "environment", "currency", "charset", "gateway_url", "openapi_url", "auth_url")
    return {name: str(getattr(account, name)) for name in names} | {"sign_type": account.sign_type.value}


def _name(name: str) -> str:
    bare = " ".join(name.split())
    if not bare or len(bare) > 80 or not bare.isprintable():
        raise Invalid("Give the account a name of at most 80 letters.")
    return bare


async def _check_free(tx: Transaction, partner: str, environment: str) -> None:
    found = await tx.value(
        "SELECT id FROM accounts WHERE partner = %(partner)s AND environment = %(environment)s",
        {"partner": partner, "environment": environment},
    )
    if found is not None:
        raise Conflict("This PID has an account here already.")


async def _check_unused(tx: Transaction, account_id: str) -> None:
    if await tx.value("SELECT EXISTS (SELECT FROM payments WHERE account_id = %(id)s)", {"id": account_id}):
        raise Conflict("Payments were made with this account: they would look for their trades in the wrong place.")


# --- key pairs --------------------------------------------------------------------------------------------------------

_PAIR: Final = "id, public_key, fingerprint, made_by, made_at"


async def make_pair(tx: Transaction, seal: Seal, clock: Clock, *, by: str) -> KeyPair:
    """Make a key pair. The public half is for Alipay's portal; the private half never leaves the database."""
    private, public = new_rsa_key()
    made = KeyPair(
        id=new_id("kpr"),
        public_key=public,
        fingerprint=read_key(public, "public").fingerprint,
        made_by=by,
        made_at=clock.now(),
    )
    await tx.run(
        """INSERT INTO key_pairs (id, private_key, public_key, fingerprint, made_by, made_at)
           VALUES (%(id)s, %(private)s, %(public_key)s, %(fingerprint)s, %(made_by)s, %(made_at)s)""",
        {**msgspec.structs.asdict(made), "private": seal.seal(private)},
    )
    await audit.note(tx, clock, who=by, what="key_pair_made", subject=made.id, detail={"fingerprint": made.fingerprint})
    return made


async def spare_pairs(rows: Rows) -> list[KeyPair]:
    """Pairs that wait to be used, newest first."""
    return await rows.rows(
        KeyPair,
        f"SELECT {_PAIR} FROM key_pairs WHERE used_at IS NULL ORDER BY made_at DESC, id DESC LIMIT 50",  # noqa: S608
    )


async def private_half(rows: Rows, seal: Seal, pair_id: str) -> str:
    """The private half of a pair that waits to be used. Raises `NotFound`."""
    sealed = await rows.value(
        "SELECT private_key FROM key_pairs WHERE id = %(id)s AND used_at IS NULL", {"id": pair_id}
    )
    if sealed is None:
        raise NotFound("This key pair is not there any more, or is used already.")
    return seal.open(sealed)


async def pair_is_used(tx: Transaction, clock: Clock, pair_id: str, account_id: str) -> None:
    """A pair went into an account: only that keeps its private half. Raises `Conflict` if somebody was quicker."""
    changed = await tx.run(
        """UPDATE key_pairs SET used_for = %(account)s, used_at = %(now)s, private_key = ''
           WHERE id = %(id)s AND used_at IS NULL""",
        {"id": pair_id, "account": account_id, "now": clock.now()},
    )
    if not changed:
        raise Conflict("This key pair is not there any more, or is used already.")


def with_keys(account: Account, *, sign_type: str, md5_key: str, private_key: str, alipay_public_key: str) -> Account:
    """An account with other keys; what is left empty stays. Raises `Invalid` for what could not work."""
    return replace(
        account,
        sign_type=SignType(sign_type),
        md5_key=md5_key or account.md5_key,
        private_key=private_key or account.private_key,
        alipay_public_key=alipay_public_key or account.alipay_public_key,
        former_sign_type="",
        former_key="",
        former_until=None,
    )
