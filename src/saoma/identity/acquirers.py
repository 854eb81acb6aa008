"""Accounts at an acquirer: their rows, secrets sealed.

Such an account has a row in `accounts`, too, for merchants point there; keys of Alipay's are not in it."""

from __future__ import annotations

import msgspec

from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NotFound
from saoma.kit.ids import new_id
from saoma.kit.seal import Seal


class _Row(msgspec.Struct, frozen=True):
    id: str
    url: str
    api_key: str
    webhook_secret: str
    store: str
    environment: str


_ALL = """
SELECT a.id, q.url, q.api_key, q.webhook_secret, q.store, a.environment
FROM accounts AS a JOIN acquirers AS q ON q.account_id = a.id
WHERE a.channel = 'acquirer' AND %(id)s IN ('', a.id) ORDER BY a.created_at, a.id
"""


async def add_acquirer(tx: Transaction, seal: Seal, account: AcquirerAccount, *, name: str, currency: str) -> str:
    """Keep an account at an acquirer, its secrets sealed, and tell its id."""
    given = {
        "id": new_id("acc"),
        "name": name,
        "url": account.url,
        "environment": account.environment,
        "currency": currency,
        "api_key": seal.seal(account.api_key),
        "webhook_secret": seal.seal(account.webhook_secret) if account.webhook_secret else "",
        "store": account.store,
    }
    # The acquirer's own account at Alipay is none of ours: no partner, no keys, a sign type that nothing uses.
    await tx.run(
        """INSERT INTO accounts (id, name, partner, sign_type, gateway_url, openapi_url, auth_url, environment,
                                 currency, channel)
           VALUES (%(id)s, %(name)s, %(id)s, 'RSA2', %(url)s, '', '', %(environment)s, %(currency)s, 'acquirer')""",
        given,
    )
    await tx.run(
        """INSERT INTO acquirers (account_id, url, api_key, webhook_secret, store)
           VALUES (%(id)s, %(url)s, %(api_key)s, %(webhook_secret)s, %(store)s)""",
        given,
    )
    return given["id"]


async def trust_webhooks(tx: Transaction, seal: Seal, account_id: str, secret: str) -> None:
    """Keep the secret that signs the acquirer's webhooks: it is told when the webhook is made, with our address in it.

    Raises `NotFound`."""
    given = {"id": account_id, "secret": seal.seal(secret)}
    if not await tx.run("UPDATE acquirers SET webhook_secret = %(secret)s WHERE account_id = %(id)s", given):
        raise NotFound("There is no such account.")


async def acquirers(rows: Rows, seal: Seal) -> list[tuple[str, AcquirerAccount]]:
    """Every account at an acquirer with its secrets opened, oldest first."""
    return [(row.id, _opened(row, seal)) for row in await rows.rows(_Row, _ALL, {"id": ""})]


async def acquirer(rows: Rows, seal: Seal, account_id: str) -> AcquirerAccount | None:
    """One account at an acquirer with its secrets opened; None for an account at Alipay itself."""
    row = await rows.maybe(_Row, _ALL, {"id": account_id})
    return _opened(row, seal) if row else None


def _opened(row: _Row, seal: Seal) -> AcquirerAccount:
    return AcquirerAccount(
        url=row.url,
        api_key=seal.open(row.api_key),
        webhook_secret=seal.open(row.webhook_secret) if row.webhook_secret else "",
        store=row.store,
        environment=row.environment,
    )
