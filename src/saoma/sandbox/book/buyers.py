"""Test buyers and their toy wallets' contents: balance, PIN and the payment codes they show at a till.

A code that no wallet issued is a fixture: it belongs to the sample buyer and its last two digits say what happens.
A code that a wallet did issue is strict: one payment, one minute (https://docs.antom.com/ac/global/spot_pay)."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Final

from saoma.kit.clock import Clock
from saoma.kit.errors import Invalid, NotAllowed, NotFound
from saoma.kit.money import Money
from saoma.sandbox.book.limits import REFUSALS, BuyerTerms, TurnedDown
from saoma.sandbox.book.model import CNY, Buyer, Note, PaymentCode
from saoma.sandbox.book.store import Store
from saoma.sandbox.choices import DEFAULT, Choices

__all__ = ["PAYMENT_CODE", "SAMPLE_USER_ID", "TurnedDown", "Wallets"]

#: A wallet shows a new code each minute; the old one is honoured for the moment it takes to carry it to the gateway.
CODE_LIFETIME: Final = timedelta(seconds=60)
CODE_GRACE: Final = timedelta(seconds=30)
_FORGET_CODES_AFTER: Final = timedelta(days=1)
#: Lengths a wallet may show, within the documented 16 to 24 (https://docs.antom.com/ac/global/spot_pay).
CODE_LENGTHS: Final = (16, 18, 19, 24)
_NOTES_KEPT: Final = 50

DEFAULT_PIN: Final = "123456"
#: What a wallet holds when nobody says otherwise. Nothing is an amount, too.
_FIRST_BALANCE: Final = Money(5_000_00, CNY)
#: The buyer of the published samples, and of every invented payment code.
SAMPLE_BUYER: Final = "alice"
SAMPLE_USER_ID: Final = "2088000000009999"
SAMPLE_BALANCE: Final = Money(10_000_000_00, CNY)

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_USER_ID: Final = re.compile(r"2088[0-9]{12}")
PAYMENT_CODE: Final = re.compile(r"(?:2[5-9]|30)[0-9]{14,22}")


class PinLocked(NotAllowed):
    """Too many wrong PINs in a row: none is right until the lock ends or the PIN is changed."""


class Wallets:
    """All buyers with their payment codes."""

    def __init__(self, clock: Clock, store: Store, choices: Choices = DEFAULT) -> None:
        self._clock = clock
        self._store = store
        self._wrong_pins = choices.wrong_pins
        self._pin_lock = timedelta(hours=choices.pin_lock_hours)
        self._lock_hours = f"{choices.pin_lock_hours:g}"
        self._notes: dict[str, list[Note]] = {}
        for note in sorted(store.read("note", Note), key=lambda one: one.at):
            self._notes.setdefault(note.buyer_id, []).append(note)
        self._buyers: dict[str, Buyer] = {}
        self._by_user_id: dict[str, Buyer] = {}
        self._codes: dict[str, PaymentCode] = {}
        self._stems: dict[str, PaymentCode] = {}
        for buyer in store.read("buyer", Buyer):
            self._know(buyer)
        stale = clock.now() - _FORGET_CODES_AFTER
        for code in store.read("code", PaymentCode):
            if code.expires_at < stale:
                store.drop("code", code.code)
            else:
                self._know_code(code)
        if self.find(SAMPLE_USER_ID) is None:
            self.add(SAMPLE_BUYER, "Alice", SAMPLE_BALANCE, user_id=SAMPLE_USER_ID)

    def all(self) -> list[Buyer]:
        """Every buyer, in the order they were made known."""
        return list(self._buyers.values())

    def find(self, buyer_id: str) -> Buyer | None:
        """By name or by 2088 number."""
        return self._buyers.get(buyer_id.lower()) or self._by_user_id.get(buyer_id)

    def get(self, buyer_id: str) -> Buyer:
        """By name or by 2088 number. Raises `NotFound`."""
        buyer = self.find(buyer_id)
        if buyer is None:
            raise NotFound(f"There is no test buyer {buyer_id!r}. Make one with POST /control/buyers.")
        return buyer

    def add(
        self,
        buyer_id: str,
        name: str = "",
        balance: Money | None = None,
        *,
        pin_required: bool = False,
        user_id: str = "",
        pin: str = DEFAULT_PIN,
        hk: bool | None = None,
        terms: BuyerTerms | None = None,
    ) -> Buyer:
        """Make a buyer known, or give a known one another balance and PIN habit; None keeps. Raises `Invalid`."""
        if not _ID.fullmatch(buyer_id):
            raise Invalid("A buyer's id is 1 to 40 letters, digits, - or _: it becomes a host name.")
        if not re.fullmatch(r"[0-9]{6}", pin):
            raise Invalid("A PIN has six digits.")
        if balance is not None and (balance.currency != CNY or balance.minor < 0):
            raise Invalid("A wallet holds CNY, and not less than nothing.")
        if terms is not None and terms.refused_with and terms.refused_with not in REFUSALS:
            raise Invalid(f"refused_with is one of {', '.join(sorted(REFUSALS))}.")
        known = self.find(buyer_id)
        if known is not None:
            known.pin_required = pin_required
            known.pin = pin
            known.wrong_pins, known.pin_locked_until = 0, None
            known.hk = known.hk if hk is None else hk
            known.terms = terms or known.terms
            known.name = name or known.name
            known.balance = known.balance if balance is None else balance.minor
            self._store.keep("buyer", known.id, known)
            return known
        number = user_id or (buyer_id if _USER_ID.fullmatch(buyer_id) else _user_id(buyer_id))
        if number in self._by_user_id:
            raise Invalid(f"Another buyer already has the number {number}.")
        buyer = Buyer(
            id=buyer_id,
            name=name or buyer_id.capitalize(),
            user_id=number,
            balance=(_FIRST_BALANCE if balance is None else balance).minor,
            pin_required=pin_required,
            pin=pin,
            hk=hk or False,
            terms=terms or BuyerTerms(),
        )
        self._know(buyer)
        self._store.keep("buyer", buyer.id, buyer)
        return buyer

    def check_pin(self, buyer: Buyer, pin: str) -> None:
        """Raises `NotAllowed` for a wrong one, `PinLocked` once too many in a row were wrong."""
        if self.pin_is_locked(buyer):
            raise PinLocked(
                "Your PIN is locked after too many wrong ones. Make a new one, or wait {hours} hours.",
                hours=self._lock_hours,
            )
        if secrets.compare_digest(buyer.pin.encode(), pin.encode()):
            if buyer.wrong_pins:
                buyer.wrong_pins = 0
                self._store.keep("buyer", buyer.id, buyer)
            return
        buyer.wrong_pins += 1
        left = self._wrong_pins - buyer.wrong_pins
        if left <= 0:
            buyer.wrong_pins, buyer.pin_locked_until = 0, self._clock.now() + self._pin_lock
            self.note(Note(self._clock.now(), buyer.id, "pin_locked"))
        self._store.keep("buyer", buyer.id, buyer)
        if left <= 0:
            raise PinLocked(
                "That PIN is not right, and now it is locked. Make a new one, or wait {hours} hours.",
                hours=self._lock_hours,
            )
        raise NotAllowed("That PIN is not right. Tries left: {left}.", left=left)

    def pin_is_locked(self, buyer: Buyer) -> bool:
        """Whether no PIN is right at the moment."""
        return buyer.pin_locked_until is not None and self._clock.now() < buyer.pin_locked_until

    def new_pin(self, buyer: Buyer, pin: str) -> None:
        """Another PIN, which opens a locked one. Raises `Invalid`."""
        if not re.fullmatch(r"[0-9]{6}", pin):
            raise Invalid("A PIN has six digits.")
        buyer.pin, buyer.wrong_pins, buyer.pin_locked_until = pin, 0, None
        self.note(Note(self._clock.now(), buyer.id, "pin_changed"))
        self._store.keep("buyer", buyer.id, buyer)

    def change_habits(self, buyer: Buyer, *, pin_required: bool | None = None, code_digits: int | None = None) -> None:
        """Whether tills wait for the PIN, and how long codes are from the next one on. Raises `Invalid`."""
        if code_digits is not None and code_digits not in CODE_LENGTHS:
            raise Invalid("That is not one of the choices.")
        buyer.pin_required = buyer.pin_required if pin_required is None else pin_required
        buyer.code_digits = buyer.code_digits if code_digits is None else code_digits
        self._store.keep("buyer", buyer.id, buyer)

    def note(self, note: Note) -> None:
        """Something to tell a buyer that no trade keeps."""
        told = self._notes.setdefault(note.buyer_id, [])
        told.append(note)
        self._store.keep("note", _note_key(note), note)
        if len(told) > _NOTES_KEPT:
            self._store.drop("note", _note_key(told.pop(0)))

    def notes(self, buyer: Buyer) -> list[Note]:
        """What a buyer was told beside the trades, oldest first."""
        return list(self._notes.get(buyer.id, []))

    def take(self, buyer: Buyer, fen: int) -> None:
        """Debit a wallet. Raises `TurnedDown` when it holds too little."""
        if buyer.balance < fen:
            raise TurnedDown("BUYER_BALANCE_NOT_ENOUGH")
        buyer.balance -= fen
        self._store.keep("buyer", buyer.id, buyer)

    def give(self, buyer: Buyer, fen: int) -> None:
        """Credit a wallet."""
        buyer.balance += fen
        self._store.keep("buyer", buyer.id, buyer)

    # --- payment codes ---------------------------------------------------------------------------------------------

    def new_code(self, buyer_id: str) -> PaymentCode:
        """A fresh code; its last two digits are below 90, so it never means a planned misbehaviour."""
        buyer = self.get(buyer_id)
        free = buyer.code_digits - 4
        while (stem := f"28{secrets.randbelow(10**free):0{free}d}") in self._stems:
            pass
        code = PaymentCode(
            code=f"{stem}{secrets.randbelow(90):02d}",
            buyer_id=buyer.id,
            expires_at=self._clock.now() + CODE_LIFETIME,
        )
        self._know_code(code)
        self._store.keep("code", code.code, code)
        return code

    def owner_of(self, code: str) -> Buyer:
        """Whose code it is, live or not. Raises `TurnedDown` where the digits can't be a code."""
        if not PAYMENT_CODE.fullmatch(code):
            why = "a payment code has 16 to 24 digits and nothing between them, and begins with 25 to 30"
            raise TurnedDown("SOUNDWAVE_PARSER_FAIL", why=why)
        issued = self._issued(code)
        return self.get(issued.buyer_id if issued else SAMPLE_USER_ID)

    def is_stale(self, code: str) -> bool:
        """Whether a wallet showed this code too long ago."""
        issued = self._issued(code)
        return issued is not None and self._clock.now() > issued.expires_at + CODE_GRACE

    def use_code(self, code: str, number: str) -> Buyer:
        """Spend a code on one order. Raises `TurnedDown` when it is used or too old."""
        buyer = self.owner_of(code)
        issued = self._issued(code)
        if issued is not None:
            if issued.used_for:
                why = f"this code was used for {issued.used_for}; a wallet's code is good for one payment"
                raise TurnedDown("SOUNDWAVE_PARSER_FAIL", why=why)
            if self._clock.now() > issued.expires_at + CODE_GRACE:
                why = "the wallet showed this code too long ago; its codes are good for a minute and a half"
                raise TurnedDown("SOUNDWAVE_PARSER_FAIL", why=why)
            issued.used_for = number
            self._store.keep("code", issued.code, issued)
        return buyer

    def _issued(self, code: str) -> PaymentCode | None:
        # the last two digits may have been changed on purpose, to ask for a misbehaviour with this buyer's money
        return self._codes.get(code) or self._stems.get(code[:-2])

    def _know(self, buyer: Buyer) -> None:
        self._buyers[buyer.id.lower()] = buyer
        self._by_user_id[buyer.user_id] = buyer

    def _know_code(self, code: PaymentCode) -> None:
        self._codes[code.code] = code
        self._stems[code.code[:-2]] = code


def _note_key(note: Note) -> str:
    return f"{note.buyer_id} {note.at.isoformat()} {note.kind}"


def _user_id(buyer_id: str) -> str:
    digest = hashlib.sha256(buyer_id.lower().encode()).digest()
    return f"2088{int.from_bytes(digest[:8]) % 10**12:012d}"
