"""Keys with which a merchant's own programs ask: what each may do, where, and who answers for it.

Only a hash is kept: a key is shown once, when it is made. It belongs to one merchant for ever, also revoked; or, as a
partner key, to an account of the partner's, where it adds merchants and makes their first keys."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from saoma.identity import audit
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, Invalid, NotFound
from saoma.kit.ids import new_id


class Scope(StrEnum):
    """One thing a key may be used for."""

    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    REFUNDS_READ = "refunds:read"
    REFUNDS_WRITE = "refunds:write"
    STORES_READ = "stores:read"
    STORES_WRITE = "stores:write"
    WEBHOOKS = "webhooks"


#: What people call the scopes; keys of the texts.
SCOPE_NAMES: Final = {
    Scope.PAYMENTS_READ: "See payments",
    Scope.PAYMENTS_WRITE: "Take and cancel payments",
    Scope.REFUNDS_READ: "See refunds",
    Scope.REFUNDS_WRITE: "Give money back",
    Scope.STORES_READ: "See the merchant, stores and devices",
    Scope.STORES_WRITE: "Add stores and devices",
    Scope.WEBHOOKS: "Manage webhooks",
}

#: The whole key: a prefix that secret scanners find, 256 random bits.
_KEY: Final = re.compile(r"sk_[A-Za-z0-9_-]{43}")
_HINT_LETTERS: Final = 9
#: All that a partner key may have: to see merchants, and to add them.
PARTNER_SCOPES: Final = (Scope.STORES_READ, Scope.STORES_WRITE)
_USED_NOTED_EVERY: Final = timedelta(minutes=1)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key as people see it. Without `store_ids` it is good for every store of the merchant.

    A partner key has an `account_id` and no merchant."""

    id: str
    merchant_id: str
    account_id: str
    name: str
    hint: str
    scopes: list[Scope]
    store_ids: list[str]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def reaches(self, store_id: str) -> bool:
        """Whether it is good for that store of its merchant."""
        return not self.store_ids or store_id in self.store_ids

    @property
    def owner(self) -> str:
        """Under whose name its requests are kept: the merchant's, or a partner key's own."""
        return self.merchant_id or self.id


_ABSENT = {name: f"coalesce({name}, '') AS {name}" for name in ("merchant_id", "account_id")}
_COLUMNS = ", ".join(_ABSENT.get(name, name) for name in ApiKey.__struct_fields__)
_OF_HASH = f"SELECT {_COLUMNS} FROM api_keys WHERE hash = %(hash)s AND revoked_at IS NULL"  # noqa: S608
_OF_MERCHANT = f"SELECT {_COLUMNS} FROM api_keys WHERE merchant_id = %(id)s ORDER BY created_at DESC, id DESC"  # noqa: S608
_OF_PARTNER = f"SELECT {_COLUMNS} FROM api_keys WHERE merchant_id IS NULL ORDER BY created_at DESC, id DESC"  # noqa: S608
_INSERT = """
INSERT INTO api_keys (id, merchant_id, account_id, name, hint, hash, scopes, store_ids, created_by, created_at)
VALUES (%(id)s, nullif(%(merchant_id)s, ''), nullif(%(account_id)s, ''), %(name)s, %(hint)s, %(hash)s, %(scopes)s,
        %(store_ids)s, %(created_by)s, %(created_at)s)
"""


def _hash(key: str) -> str:
    # 256 random bits need no salt and no slow hash, and comparing digests in an index gives no timing away.
    return hashlib.sha256(key.encode()).hexdigest()


async def add_api_key(
    tx: Transaction,
    clock: Clock,
    *,
    name: str,
    scopes: list[Scope],
    by: str,
    merchant_id: str = "",
    account_id: str = "",
    store_ids: list[str] | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of a merchant, or a partner key for an account, and tell it, this once, beside what is kept of it.

    Raises `Invalid` without a name or scopes, for stores that are not the merchant's, or for a partner key that may
    do more than see and add merchants."""
    assert bool(merchant_id) != bool(account_id), "a key is a merchant's or a partner's"
    name, stores = name.strip(), sorted(set(store_ids or []))
    if not name or len(name) > 64 or not name.isprintable():
        raise Invalid("Give the key a name of at most 64 characters: what uses it, such as Till software.")
    if not scopes:
        raise Invalid("Choose at least one thing the key may be used for.")
    if account_id and not set(scopes) <= set(PARTNER_SCOPES):
        raise Invalid("A partner key sees and adds merchants; for the rest each merchant has keys of its own.")
    found = await tx.value(
        "SELECT count(*) FROM stores WHERE merchant_id = %(merchant_id)s AND id = ANY(%(ids)s)",
        {"merchant_id": merchant_id, "ids": stores},
    )
    if found != len(stores):
        raise Invalid("Choose stores of this merchant.")
    secret = f"sk_{secrets.token_urlsafe(32)}"
    made = ApiKey(
        id=new_id("key"),
        merchant_id=merchant_id,
        account_id=account_id,
        name=name,
        hint=secret[:_HINT_LETTERS],
        scopes=sorted(set(scopes)),
        store_ids=stores,
        created_by=by,
        created_at=clock.now(),
        last_used_at=None,
        revoked_at=None,
    )
    columns = msgspec.structs.asdict(made) | {"scopes": [scope.value for scope in made.scopes]}
    await tx.run(_INSERT, columns | {"hash": _hash(secret)})
    detail = {"name": name, "hint": made.hint, "scopes": columns["scopes"], "stores": stores}
    await audit.note(tx, clock, who=by, what="api_key_made", subject=made.id, merchant_id=merchant_id, detail=detail)
    return made, secret


async def api_keys_of(rows: Rows, merchant_id: str) -> list[ApiKey]:
    """A merchant's keys, newest first, revoked ones too; without a merchant, the partner keys."""
    return await rows.rows(ApiKey, _OF_MERCHANT if merchant_id else _OF_PARTNER, {"id": merchant_id})


async def revoke_api_key(tx: Transaction, clock: Clock, *, merchant_id: str, key_id: str, by: str) -> None:
    """End a key at once, without a merchant a partner key. Raises `NotFound` for another's; one that is revoked
    already stays so."""
    known = await tx.value(
        "SELECT id FROM api_keys WHERE id = %(id)s AND coalesce(merchant_id, '') = %(merchant_id)s FOR UPDATE",
        {"id": key_id, "merchant_id": merchant_id},
    )
    if known is None:
        raise NotFound(NOTHING_HERE)
    ended = await tx.run(
        "UPDATE api_keys SET revoked_at = %(now)s WHERE id = %(id)s AND revoked_at IS NULL",
        {"id": key_id, "now": clock.now()},
    )
    if ended:
        await audit.note(tx, clock, who=by, what="api_key_revoked", subject=key_id, merchant_id=merchant_id)


async def api_key_for(db: Database, clock: Clock, secret: str) -> ApiKey | None:
    """The key somebody presents, if it is one and lives. Notes the use, once a minute at most."""
    if not _KEY.fullmatch(secret):
        return None
    now = clock.now()
    async with db.reading() as rows:
        key = await rows.maybe(ApiKey, _OF_HASH, {"hash": _hash(secret)})
        if key is not None and (key.last_used_at is None or key.last_used_at <= now - _USED_NOTED_EVERY):
            await rows.run(
                "UPDATE api_keys SET last_used_at = greatest(last_used_at, %(now)s) WHERE id = %(id)s",
                {"id": key.id, "now": now},
            )
    return key
