"""One account's row and its keys: sealed on the way in, opened on the way out, never in between.

What was sealed is useless without the deployment's secret, and no struct with an open key is ever shown."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType
from saoma.kit.seal import Seal


class AccountRow(msgspec.Struct, frozen=True):
    """An account at Alipay itself as it lies in the database, its keys sealed."""

    id: str
    partner: str
    app_id: str
    sign_type: str
    md5_key: str
    private_key: str
    alipay_public_key: str
    gateway_url: str
    openapi_url: str
    auth_url: str
    environment: str
    currency: str
    charset: str
    former_sign_type: str
    former_key: str
    former_until: datetime | None


ACCOUNT_COLUMNS: Final = ", ".join(AccountRow.__struct_fields__)


def sealed_keys(seal: Seal, account: Account) -> dict[str, str]:
    """An account's keys as they are kept."""
    keys = {
        "md5_key": account.md5_key,
        "private_key": account.private_key,
        "alipay_public_key": account.alipay_public_key,
    }
    return {name: seal.seal(key) if key else "" for name, key in keys.items()}


def opened(row: AccountRow, seal: Seal) -> Account:
    """An account with its keys opened."""

    def key(text: str) -> str:
        return seal.open(text) if text else ""

    return Account(
        partner=row.partner,
        app_id=row.app_id,
        sign_type=SignType(row.sign_type),
        md5_key=key(row.md5_key),
        private_key=key(row.private_key),
        alipay_public_key=key(row.alipay_public_key),
        gateway_url=row.gateway_url,
        openapi_url=row.openapi_url,
        auth_url=row.auth_url,
        environment=row.environment,
        currency=row.currency,
        charset=row.charset,
        former_sign_type=row.former_sign_type,
        former_key=key(row.former_key),
        former_until=row.former_until,
    )
