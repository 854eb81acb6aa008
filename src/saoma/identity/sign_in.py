"""Signing in by login and password, and changing the cashier at a till by PIN.

Every wrong answer is the same answer and takes the same time: nobody learns which logins exist."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from saoma.identity import audit, model, passwords
from saoma.identity.model import STAFF, Staff
from saoma.identity.tries import Tries
from saoma.kit.clock import Clock
from saoma.kit.db import Database

_WINDOW = timedelta(minutes=15)
_TRIES_PER_LOGIN_AND_PLACE = 5
_TRIES_PER_LOGIN = 30
_TRIES_PER_PLACE = 60


class _Secrets(msgspec.Struct, frozen=True):
    id: str
    password_hash: str
    pin_hash: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """The login or the password is wrong; which, is not said."""


class SignIn:
    """Judges logins, passwords and PINs. Raises `TooManyTries` before judging when there were too many."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._tries = Tries(db, clock)

    async def by_password(self, login: str, password: str, place: str) -> Staff | Wrong:
        """Judge a login and password that came from `place` (a network address)."""
        login = login.strip().lower()[:64]
        # What is stored here names no one: logins that exist and logins that don't leave the same trace.
        name = hashlib.sha256(login.encode()).hexdigest()[:32]
        here, anywhere, anybody = f"login:{name}:{place}", f"login:{name}", f"place:{place}"
        await self._tries.count(anybody, _TRIES_PER_PLACE, _WINDOW)
        await self._tries.count(here, _TRIES_PER_LOGIN_AND_PLACE, _WINDOW)
        await self._tries.count(anywhere, _TRIES_PER_LOGIN, _WINDOW)
        async with self._db.reading() as rows:
            known = await rows.maybe(
                _Secrets,
                "SELECT id, password_hash, pin_hash FROM staff WHERE login = %(login)s AND active",
                {"login": login},
            )
        right = await passwords.is_right(known.password_hash if known else "", password)
        if known is None or not right:
            await self._note(known.id if known else "", "sign_in_refused", place)
            return Wrong()
        if passwords.is_outdated(known.password_hash):
            renewed = await passwords.hash_password(password)
            async with self._db.reading() as rows:
                await rows.run(
                    "UPDATE staff SET password_hash = %(new)s WHERE id = %(id)s AND password_hash = %(old)s",
                    {"id": known.id, "new": renewed, "old": known.password_hash},
                )
        await self._tries.forget(here)
        # A whole shop signs in from one address: only what was wrong may use up its tries. One is given back, not
        # all: who has a login of their own must not wipe out the count of their guesses at others'.
        await self._tries.give_back(anywhere)
        await self._tries.give_back(anybody)
        return await self._signed_in(known.id, "signed_in", place)

    async def by_pin(self, on_duty: Staff, staff_id: str, pin: str, place: str) -> Staff | Wrong:
        """Let a colleague of `on_duty` take over a till by PIN. Only same-merchant colleagues with a PIN qualify."""
        await self._tries.count(f"pin:{staff_id[:64]}", _TRIES_PER_LOGIN_AND_PLACE, _WINDOW)
        async with self._db.reading() as rows:
            known = await rows.maybe(
                _Secrets,
                """SELECT id, password_hash, pin_hash FROM staff
                   WHERE id = %(id)s AND active AND merchant_id = %(merchant_id)s AND pin_hash <> ''""",
                {"id": staff_id, "merchant_id": on_duty.merchant_id},
            )
        right = await passwords.is_right(known.pin_hash if known else "", pin)
        if known is None or not right:
            await self._note(known.id if known else "", "switch_refused", place)
            return Wrong()
        await self._tries.forget(f"pin:{staff_id[:64]}")
        return await self._signed_in(known.id, "switched", place, instead_of=on_duty.id)

    async def colleagues(self, on_duty: Staff) -> list[Staff]:
        """Who may take over this till: people of the same merchant and store who have a PIN."""
        async with self._db.reading() as rows:
            return await rows.rows(
                Staff,
                f"""SELECT {STAFF} FROM staff
                    WHERE active AND merchant_id = %(merchant_id)s AND pin_hash <> ''
                      AND (store_id IS NULL OR %(store_id)s IN ('', store_id)) ORDER BY name, id""",  # noqa: S608
                {"merchant_id": on_duty.merchant_id, "store_id": on_duty.store_id},
            )

    async def _signed_in(self, staff_id: str, what: str, place: str, instead_of: str = "") -> Staff | Wrong:
        async with self._db.transaction() as tx:
            staff = await model.staff_by_id(tx, staff_id)
            if staff is None:
                return Wrong()
            detail = {"place": place} | ({"instead_of": instead_of} if instead_of else {})
            await audit.note(
                tx,
                self._clock,
                who=staff.id,
                what=what,
                subject=staff.id,
                merchant_id=staff.merchant_id,
                detail=detail,
            )
        return staff

    async def _note(self, staff_id: str, what: str, place: str) -> None:
        async with self._db.transaction() as tx:
            await audit.note(
                tx, self._clock, who="sign-in", what=what, subject=staff_id or "unknown", detail={"place": place}
            )
