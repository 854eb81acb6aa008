"""The partner's accounts, merchants, stores, terminals and staff: their rows, how they are added and found.

Whose a thing is, is asked here: `store_for` and `merchant_for` answer `NotFound` for another merchant's, never
`NotAllowed`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from saoma.alipay.account import Account
from saoma.gateway import PRACTICE_MERCHANT, SecondaryMerchant
from saoma.identity.account_rows import ACCOUNT_COLUMNS, AccountRow, opened, sealed_keys
from saoma.identity.roles import ROLE_NAMES, May, Role, may
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import exponent
from saoma.kit.seal import Seal

_SECONDARY_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_MCC = re.compile(r"[0-9]{4}")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """Who sells. `industry` is the four-digit MCC, `secondary_id` the name Alipay knows the merchant by for ever."""

    id: str
    name: str
    name_zh: str
    currency: str
    account_id: str
    industry: str
    secondary_id: str


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a merchant. `zone` is an IANA name: the store's own wall clock."""

    id: str
    merchant_id: str
    name: str
    name_zh: str
    zone: str
    address: str
    address_zh: str


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a store. It is paired when `paired_at` is set."""

    id: str
    store_id: str
    name: str
    kind: str
    paired_at: datetime | None

    @property
    def kind_name(self) -> str:
        """What people call this kind of device; a key of the texts."""
        return KIND_NAMES[self.kind]


#: Kinds of devices and what people call them.
KIND_NAMES: Final = {
    "till": "Till",
    "kitchen": "Kitchen display",
    "tablet": "Tablet",
    "kiosk": "Kiosk",
    "gate": "Gate",
}


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """A person who works here. An empty `store_id` means every store of the merchant; operators have no merchant."""

    id: str
    merchant_id: str
    store_id: str
    name: str
    login: str
    roles: list[Role]

    def may(self, what: May) -> bool:
        """Whether this person's roles allow `what`."""
        return may(self.roles, what)

    @property
    def role_names(self) -> list[str]:
        """What people call this person's roles; keys of the texts."""
        return [ROLE_NAMES[role] for role in self.roles]


_MERCHANT = "id, name, name_zh, currency, account_id, industry, secondary_id"
_STORE = "id, merchant_id, name, name_zh, zone, address, address_zh"
_TERMINAL = "id, store_id, name, kind, paired_at"
STAFF = "id, coalesce(merchant_id, '') AS merchant_id, coalesce(store_id, '') AS store_id, name, login, roles"


async def add_account(tx: Transaction, seal: Seal, account: Account, *, name: str = "") -> str:
    """Keep a gateway account of the partner, its keys sealed, and tell its id."""
    account_id = new_id("acc")
    await tx.run(
        """INSERT INTO accounts (id, name, partner, app_id, sign_type, md5_key, private_key, alipay_public_key,
                                 gateway_url, openapi_url, auth_url, environment, currency, charset)
           VALUES (%(id)s, %(name)s, %(partner)s, %(app_id)s, %(sign_type)s, %(md5_key)s, %(private_key)s,
                   %(alipay_public_key)s, %(gateway_url)s, %(openapi_url)s, %(auth_url)s, %(environment)s,
                   %(currency)s, %(charset)s)""",
        {
            "id": account_id,
            "name": name or account.partner,
            "partner": account.partner,
            "app_id": account.app_id,
            "sign_type": str(account.sign_type),
            "gateway_url": account.gateway_url,
            "openapi_url": account.openapi_url,
            "auth_url": account.auth_url,
            "environment": account.environment,
            "currency": account.currency,
            "charset": account.charset,
            **sealed_keys(seal, account),
        },
    )
    return account_id


async def change_account_keys(tx: Transaction, seal: Seal, account_id: str, account: Account) -> None:
    """Put other keys in place of an account's. Raises `NotFound` for an account that is not there."""
    changed = await tx.run(
        """UPDATE accounts SET sign_type = %(sign_type)s, md5_key = %(md5_key)s, private_key = %(private_key)s,
                               alipay_public_key = %(alipay_public_key)s
           WHERE id = %(id)s""",
        {"id": account_id, "sign_type": str(account.sign_type), **sealed_keys(seal, account)},
    )
    if not changed:
        raise NotFound("There is no such account.")


async def accounts(rows: Rows, seal: Seal) -> list[tuple[str, Account]]:
    """Every account at Alipay itself with its keys opened, oldest first, as the composition hands them to gateways."""
    query = f"SELECT {ACCOUNT_COLUMNS} FROM accounts WHERE channel = 'direct' ORDER BY created_at, id"  # noqa: S608
    found = await rows.rows(AccountRow, query)
    return [(row.id, opened(row, seal)) for row in found]


async def account(rows: Rows, seal: Seal, account_id: str) -> Account:
    """One account at Alipay itself with its keys opened. Raises `NotFound`, also for one at an acquirer."""
    query = f"SELECT {ACCOUNT_COLUMNS} FROM accounts WHERE id = %(id)s AND channel = 'direct'"  # noqa: S608
    return opened(await rows.one(AccountRow, query, {"id": account_id}), seal)


async def add_merchant(
    tx: Transaction,
    *,
    name: str,
    currency: str,
    account_id: str,
    industry: str,
    name_zh: str = "",
    secondary_id: str = "",
    practice: bool = False,
) -> Merchant:
    """Add a merchant. `industry` is an MCC such as 5812; without `secondary_id` the merchant's own id is used.

    A merchant for `practice` only has an id that says so, and is left out of everybody's lists and figures.

    The limits are Alipay's: https://docs.antom.com/ac/global/spot_pay. Raises `Invalid`."""
    merchant_id = new_id(PRACTICE_MERCHANT if practice else "mer")
    exponent(currency)
    if not name.strip() or len(name) > 64:
        raise Invalid("A merchant needs a name of at most 64 characters: it is shown in the buyer's wallet.")
    if not _MCC.fullmatch(industry):
        raise Invalid("The industry is a merchant category code of four digits, such as 5812 for restaurants.")
    if secondary_id and not _SECONDARY_ID.fullmatch(secondary_id):
        raise Invalid("The merchant's id at Alipay is made of at most 64 letters, digits and underscores.")
    merchant = Merchant(
        id=merchant_id,
        name=name.strip(),
        name_zh=name_zh.strip(),
        currency=currency,
        account_id=account_id,
        industry=industry,
        secondary_id=secondary_id or merchant_id,
    )
    await tx.run(
        """INSERT INTO merchants (id, name, name_zh, currency, account_id, industry, secondary_id)
           VALUES (%(id)s, %(name)s, %(name_zh)s, %(currency)s, %(account_id)s, %(industry)s, %(secondary_id)s)""",
        msgspec.structs.asdict(merchant),
    )
    return merchant


async def add_store(
    tx: Transaction,
    merchant_id: str,
    *,
    name: str,
    zone: str,
    name_zh: str = "",
    address: str = "",
    address_zh: str = "",
) -> Store:
    """Add a store. `zone` is an IANA time zone such as Asia/Singapore. Raises `Invalid` for another."""
    if not name.strip():
        raise Invalid("A store needs a name.")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Invalid("{zone} is not a time zone; write one such as Asia/Singapore.", zone=zone) from None
    new = Store(
        id=new_id("sto"),
        merchant_id=merchant_id,
        name=name.strip(),
        name_zh=name_zh.strip(),
        zone=zone,
        address=address.strip(),
        address_zh=address_zh.strip(),
    )
    await tx.run(
        """INSERT INTO stores (id, merchant_id, name, name_zh, zone, address, address_zh)
           VALUES (%(id)s, %(merchant_id)s, %(name)s, %(name_zh)s, %(zone)s, %(address)s, %(address_zh)s)""",
        msgspec.structs.asdict(new),
    )
    return new


async def add_terminal(tx: Transaction, store_id: str, *, name: str, kind: str = "till") -> Terminal:
    """Add a device of a store, not yet paired. `kind` is one of `KIND_NAMES`. Raises `Invalid` for another."""
    if kind not in KIND_NAMES or not name.strip():
        raise Invalid("A device needs a name and a kind: till, kitchen, tablet, kiosk or gate.")
    new = Terminal(id=new_id("trm"), store_id=store_id, name=name.strip(), kind=kind, paired_at=None)
    await tx.run(
        "INSERT INTO terminals (id, store_id, name, kind) VALUES (%(id)s, %(store_id)s, %(name)s, %(kind)s)",
        msgspec.structs.asdict(new),
    )
    return new


async def add_staff(
    tx: Transaction,
    *,
    name: str,
    login: str,
    roles: list[Role],
    merchant_id: str = "",
    store_id: str = "",
    password_hash: str = "",
    pin_hash: str = "",
) -> Staff:
    """Add a person. Hashes come from `identity.passwords`; without a password only a sign-in link lets them in.

    Raises `Invalid` for a login that is taken or not of the right shape, or for roles that don't go together."""
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise Invalid("A login has 2 to 64 small letters, digits and . _ @ + -, such as mei@noodles.")
    if not roles or (Role.OPERATOR in roles) == bool(merchant_id) or (Role.OPERATOR in roles and len(roles) > 1):
        raise Invalid("Staff of a merchant have the merchant's roles; an operator has that role alone and no merchant.")
    new = Staff(
        id=new_id("stf"), merchant_id=merchant_id, store_id=store_id, name=name.strip(), login=login, roles=roles
    )
    added = await tx.run(
        """INSERT INTO staff (id, merchant_id, store_id, name, login, roles, password_hash, pin_hash)
           VALUES (%(id)s, nullif(%(merchant_id)s, ''), nullif(%(store_id)s, ''), %(name)s, %(login)s, %(roles)s,
                   %(password_hash)s, %(pin_hash)s)
           ON CONFLICT (login) DO NOTHING""",
        {
            **msgspec.structs.asdict(new),
            "roles": [str(role) for role in roles],
            "password_hash": password_hash,
            "pin_hash": pin_hash,
        },
    )
    if not added:
        raise Invalid("This login is taken; choose another.")
    return new


async def merchant(rows: Rows, merchant_id: str) -> Merchant:
    """One merchant. Raises `NotFound`."""
    return await rows.one(Merchant, f"SELECT {_MERCHANT} FROM merchants WHERE id = %(id)s", {"id": merchant_id})  # noqa: S608


async def store(rows: Rows, store_id: str) -> Store:
    """One store, whoever asks. Raises `NotFound`."""
    return await rows.one(Store, f"SELECT {_STORE} FROM stores WHERE id = %(id)s", {"id": store_id})  # noqa: S608


async def stores_of(rows: Rows, staff: Staff) -> list[Store]:
    """The stores this person works in, by name; an operator sees every merchant's."""
    return await rows.rows(
        Store,
        f"""SELECT {_STORE} FROM stores
            WHERE (%(merchant_id)s = merchant_id OR %(operator)s) AND %(store_id)s IN ('', id)
            ORDER BY name, id""",  # noqa: S608
        {"merchant_id": staff.merchant_id, "store_id": staff.store_id, "operator": staff.may(May.SEE_EVERY_MERCHANT)},
    )


async def store_for(rows: Rows, staff: Staff, store_id: str = "") -> Store:
    """The store `staff` asks for, or works in when none is named. Raises `NotFound` for one that is not theirs."""
    mine = await stores_of(rows, staff)
    found = [each for each in mine if not store_id or each.id == store_id]
    if not found:
        raise NotFound(NOTHING_HERE)
    return found[0]


async def merchant_for(rows: Rows, staff: Staff, merchant_id: str) -> Merchant:
    """A merchant if `staff` works for it or for the partner. Raises `NotFound` otherwise."""
    check_same_merchant(staff, merchant_id)
    return await merchant(rows, merchant_id)


def check_same_merchant(staff: Staff, merchant_id: str) -> None:
    """Pass if `staff` may see what belongs to `merchant_id`; raises `NotFound` otherwise, as if there were nothing."""
    if merchant_id != staff.merchant_id and not staff.may(May.SEE_EVERY_MERCHANT):
        raise NotFound(NOTHING_HERE)


async def terminal(rows: Rows, terminal_id: str) -> Terminal:
    """One terminal. Raises `NotFound`."""
    return await rows.one(Terminal, f"SELECT {_TERMINAL} FROM terminals WHERE id = %(id)s", {"id": terminal_id})  # noqa: S608


async def terminals_of(rows: Rows, store_id: str) -> list[Terminal]:
    """The devices of a store, by name."""
    query = f"SELECT {_TERMINAL} FROM terminals WHERE store_id = %(id)s ORDER BY name, id"  # noqa: S608
    return await rows.rows(Terminal, query, {"id": store_id})


class _Name(msgspec.Struct, frozen=True):
    id: str
    name: str


async def staff_names(rows: Rows, ids: Iterable[str]) -> dict[str, str]:
    """What people are called by their ids, also those who left; programs and guests have no name."""
    wanted = sorted(set(ids) - {""})
    if not wanted:
        return {}
    found = await rows.rows(_Name, "SELECT id, name FROM staff WHERE id = ANY(%(ids)s)", {"ids": wanted})
    return {each.id: each.name for each in found}


async def staff_by_id(rows: Rows, staff_id: str) -> Staff | None:
    """A person who still works here, or None. Who somebody is in practice ends when they end."""
    return await rows.maybe(
        Staff,
        f"""SELECT {STAFF} FROM staff WHERE id = %(id)s AND active AND (double_of IS NULL
            OR EXISTS (SELECT FROM staff AS person WHERE person.id = staff.double_of AND person.active))""",  # noqa: S608
        {"id": staff_id},
    )


async def dismiss(tx: Transaction, staff_id: str) -> None:
    """End a person's access at once, on every device; their name stays in the records."""
    await tx.run("UPDATE staff SET active = false WHERE id = %(id)s", {"id": staff_id})


class _Shop(msgspec.Struct, frozen=True):
    store: Store
    merchant: Merchant
    stopped: bool


#: One question, for it is asked before every payment.
_SHOP = """
SELECT to_jsonb(s) AS store, to_jsonb(m) AS merchant, a.stopped_at IS NOT NULL AS stopped
FROM stores AS s JOIN merchants AS m ON m.id = s.merchant_id JOIN accounts AS a ON a.id = m.account_id
WHERE s.id = %(id)s
"""


async def shop_of(rows: Rows, store_id: str, terminal_id: str = "") -> tuple[str, SecondaryMerchant, Merchant, Store]:
    """What a payment in this store needs: account id, the shop as Alipay must be told of it, merchant and store.

    Raises `NotFound` for an unknown store, or a terminal that is not of this store, and `Conflict` where the
    merchant's account was stopped."""
    found = await rows.one(_Shop, _SHOP, {"id": store_id})
    at, of = found.store, found.merchant
    if found.stopped:
        raise Conflict("Paying with Alipay is switched off for this shop. Ask whoever runs Saoma.")
    if terminal_id and (await terminal(rows, terminal_id)).store_id != store_id:
        raise NotFound("This terminal belongs to another store.")
    shop = SecondaryMerchant(
        id=of.secondary_id,
        name=of.name,
        industry=of.industry,
        store_id=at.id,
        store_name=at.name,
        terminal_id=terminal_id,
    )
    return of.account_id, shop, of, at
