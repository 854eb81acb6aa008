"""Where practice happens: an account at the private sandbox, practice merchants, a double and a store per person.

A double may do what its person may and sees nothing but practice: the till needs no other rule to part the two."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType
from saoma.food.menus.drafts import ItemDraft, MenuDraft, SectionDraft
from saoma.food.menus.editing import store_menu
from saoma.food.menus.menu import menu, open_menu
from saoma.gateway import PRACTICE_ACCOUNT
from saoma.identity import model
from saoma.identity.model import Merchant, Staff, Store
from saoma.identity.roles import May, Role
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Conflict, NotAllowed, Refused
from saoma.kit.seal import Seal
from saoma.practice.script import MENU, practised, times

_WAIT: Final = aiohttp.ClientTimeout(total=4)


class NoSandbox(Refused):
    """Practice has nothing to pay against: no sandbox is named, or the one that is named does not answer."""

    status = 503


@dataclass(frozen=True, slots=True)
class Place:
    """Where one person practises."""

    double: Staff
    store: Store


async def open_account(db: Database, seal: Seal, sandbox_url: str) -> None:
    """Have the practice account lead to the sandbox at `sandbox_url`; without one nothing is made. Safe to repeat.

    Every process calls it as it starts, before it reads the accounts. Raises `Invalid` for an address of production."""
    if not sandbox_url:
        return
    key = secrets.token_hex(16)
    account = _account(sandbox_url.rstrip("/"), key)
    async with db.transaction() as tx:
        # what practice leaves behind is cleared from the first night on
        await tx.run("INSERT INTO chores (id, due_at) VALUES ('practice', '2000-01-01Z') ON CONFLICT DO NOTHING")
        await tx.run(
            """INSERT INTO accounts (id, name, partner, app_id, sign_type, md5_key, private_key, alipay_public_key,
                                     gateway_url, openapi_url, auth_url, environment, currency, charset)
               VALUES (%(id)s, 'Practice', %(partner)s, %(app_id)s, 'MD5', %(key)s, '', '', %(gateway)s, %(gateway)s,
                       '', 'sandbox', 'USD', 'UTF-8')
               ON CONFLICT (id) DO UPDATE SET gateway_url = excluded.gateway_url, openapi_url = excluded.openapi_url
               WHERE accounts.gateway_url <> excluded.gateway_url""",
            {
                "id": PRACTICE_ACCOUNT,
                "partner": account.partner,
                "app_id": account.app_id,
                "key": seal.seal(key),
                "gateway": account.gateway_url,
            },
        )


def _account(sandbox_url: str, key: str) -> Account:
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % 10**12
    return Account(
        partner=f"2088{number:012d}",
        app_id=f"2021{number:012d}",
        sign_type=SignType.MD5,
        md5_key=key,
        gateway_url=f"{sandbox_url}/gateway.do",
        openapi_url=f"{sandbox_url}/gateway.do",
        environment="sandbox",
    )


async def knock(db: Database, seal: Seal, sandbox_url: str) -> None:
    """Tell the sandbox who we are, once more: one that keeps nothing has forgotten. Raises `NoSandbox`."""
    if not sandbox_url:
        raise NoSandbox("No practice sandbox is set up here yet.")
    async with db.reading() as rows:
        account = await model.account(rows, seal, PRACTICE_ACCOUNT)
    partner: Mapping[str, Any] = {
        "partner": account.partner,
        "app_id": account.app_id,
        "sign_type": "MD5",
        "md5_key": account.md5_key,
        "currency": account.currency,
        "name": "Practice",
    }
    address = f"{sandbox_url.rstrip('/')}/control/partners"
    try:
        async with aiohttp.ClientSession(timeout=_WAIT) as session, session.post(address, json=partner) as answer:
            answer.raise_for_status()
    except (aiohttp.ClientError, TimeoutError, OSError):
        raise NoSandbox("The practice sandbox does not answer.") from None


class _Found(msgspec.Struct, frozen=True):
    id: str


async def double_of(rows: Rows, person: Staff) -> Staff | None:
    """Who somebody is in practice, once they have practised."""
    found = await rows.maybe(_Found, "SELECT id FROM staff WHERE double_of = %(id)s", {"id": person.id})
    return None if found is None else await model.staff_by_id(rows, found.id)


async def person_of(rows: Rows, double: Staff) -> Staff:
    """Whose double this is, or `double` itself, who is nobody's."""
    person_id = await rows.value("SELECT double_of FROM staff WHERE id = %(id)s", {"id": double.id})
    person = await model.staff_by_id(rows, person_id) if isinstance(person_id, str) else None
    return person or double


def _roles(person: Staff) -> list[Role]:
    """What a double may do at most: practice has managers and cashiers, and nobody who hires."""
    return [Role.MANAGER if person.may(May.REFUND) else Role.CASHIER]


async def settle_in(tx: Transaction, person: Staff) -> Place:
    """A tidy practice store with a small menu, and the person's double in it. Raises `NotAllowed`, `Conflict`."""
    if not person.may(May.TAKE_PAYMENTS) or not person.merchant_id:
        raise NotAllowed("Practice is for people who take payments.")
    home = next(iter(await model.stores_of(tx, person)), None)
    if home is None:
        raise Conflict("There is no store yet to practise for.")
    merchant = await _merchant(tx, person.merchant_id)
    store = await _tidy_store(tx, person, merchant.currency) or await _fresh_store(tx, merchant, home.zone)
    return Place(await _double(tx, person, merchant.id, store.id), store)


async def one_by_one(tx: Transaction, merchant_id: str) -> None:
    """Let nobody else begin or clear practice of this (real) merchant meanwhile: its practice and each double exist
    once."""
    await tx.run("SELECT id FROM merchants WHERE id = %(id)s FOR UPDATE", {"id": merchant_id})


async def _tidy_store(tx: Transaction, person: Staff, currency: str) -> Store | None:
    """Where the person practised last, if nothing is left there that a new lesson could stumble over."""
    known = await tx.value(
        """SELECT d.store_id FROM staff AS d WHERE d.double_of = %(id)s
           AND NOT EXISTS (SELECT 1 FROM tabs AS t WHERE t.store_id = d.store_id AND t.status = 'open')
           AND NOT EXISTS (SELECT 1 FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
                           WHERE p.store_id = d.store_id AND r.status NOT IN ('succeeded', 'failed'))""",
        {"id": person.id},
    )
    if not isinstance(known, str):
        return None
    card = await menu(tx, known)
    offered = [item for section in card.sections for item in section.items]
    plain = {item.code: item.price for item in offered if not (item.hidden or item.sold_out or item.groups)}
    if card.currency != currency or len(offered) != len(MENU) or plain != _prices(currency):
        return None
    return await model.store(tx, known)


def _prices(currency: str) -> dict[str, int]:
    return {dish.code: dish.price * times(currency) for dish in MENU}


async def _fresh_store(tx: Transaction, merchant: Merchant, zone: str) -> Store:
    store = await model.add_store(tx, merchant.id, name="Practice", name_zh="练习", zone=zone)
    await open_menu(tx, store.id, merchant.currency)
    prices = _prices(merchant.currency)
    items = tuple(ItemDraft(code=one.code, name=one.name, name_zh=one.name_zh, price=prices[one.code]) for one in MENU)
    await store_menu(tx, store.id, MenuDraft(sections=(SectionDraft(name="Menu", name_zh="菜单", items=items),)))
    return store


async def _merchant(tx: Transaction, real_id: str) -> Merchant:
    real = await model.merchant(tx, real_id)
    currency = practised(real.currency)
    known = await tx.value(
        "UPDATE merchants SET currency = %(currency)s WHERE practice_of = %(id)s RETURNING id",
        {"id": real_id, "currency": currency},
    )
    if isinstance(known, str):
        return await model.merchant(tx, known)
    made = await model.add_merchant(
        tx,
        name=real.name,
        name_zh=real.name_zh,
        currency=currency,
        account_id=PRACTICE_ACCOUNT,
        industry=real.industry,
        practice=True,
    )
    await tx.run("UPDATE merchants SET practice_of = %(real)s WHERE id = %(id)s", {"real": real_id, "id": made.id})
    return made


async def _double(tx: Transaction, person: Staff, merchant_id: str, store_id: str) -> Staff:
    roles = _roles(person)
    known = await tx.value("SELECT id FROM staff WHERE double_of = %(id)s", {"id": person.id})
    if known is None:
        made = await model.add_staff(
            tx,
            name=person.name,
            login=f"practice.{person.id}",
            roles=roles,
            merchant_id=merchant_id,
            store_id=store_id,
        )
        known = made.id
    await tx.run(
        "UPDATE staff SET double_of = %(person)s, name = %(name)s, roles = %(roles)s, store_id = %(store)s"
        " WHERE id = %(id)s",
        {"person": person.id, "name": person.name, "roles": [str(r) for r in roles], "store": store_id, "id": known},
    )
    found = await model.staff_by_id(tx, str(known))
    assert found is not None, "whoever begins a lesson works here"
    return found
