"""A forgotten PIN: two questions that a buyer's wallet can answer for itself, then a new one.

The questions are toys and show their answers; what is real is the way: a page is told 99 the moment it begins, and the
lock of too many wrong PINs ends with it (https://docs.antom.com/ac/global/jsapitradepay)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from saoma.kit.clock import Clock
from saoma.kit.errors import NotAllowed
from saoma.sandbox.book.buyers import Wallets
from saoma.sandbox.book.model import Buyer

#: How long a text message is good; it lives in memory only, like the message on a screen.
TEXT_LIFETIME: Final = timedelta(minutes=10)


class Recovery:
    """The text messages on their way. Wrong answers raise `NotAllowed` with a sentence."""

    def __init__(self, clock: Clock, wallets: Wallets) -> None:
        self._clock = clock
        self._wallets = wallets
        self._texts: dict[str, tuple[str, datetime]] = {}

    @staticmethod
    def identity_of(buyer: Buyer) -> str:
        """What stands at the end of a toy identity card: the last four digits of the user ID."""
        return buyer.user_id[-4:]

    def send_text(self, buyer: Buyer, identity: str) -> str:
        """The first question is answered: the six digits of a text message, which replace those sent before."""
        self._check_identity(buyer, identity)
        digits = f"{secrets.randbelow(10**6):06d}"
        self._texts[buyer.id] = digits, self._clock.now() + TEXT_LIFETIME
        return digits

    def check_text(self, buyer: Buyer, identity: str, text: str) -> None:
        """The second question."""
        self._check_identity(buyer, identity)
        digits, until = self._texts.get(buyer.id, ("", self._clock.now()))
        if not digits or self._clock.now() >= until or not secrets.compare_digest(digits.encode(), text.encode()):
            raise NotAllowed("Those are not the digits of the text message.")

    def change_pin(self, buyer: Buyer, identity: str, text: str, pin: str) -> None:
        """Both answers once more, and the new PIN. Spends the text message. Raises `Invalid` for no six digits."""
        self.check_text(buyer, identity, text)
        self._wallets.new_pin(buyer, pin)
        del self._texts[buyer.id]

    def _check_identity(self, buyer: Buyer, identity: str) -> None:
        if not secrets.compare_digest(self.identity_of(buyer).encode(), identity.encode()):
            raise NotAllowed("Those are not the last four digits of your toy identity card.")
