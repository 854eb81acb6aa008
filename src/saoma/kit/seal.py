"""Secrets at rest: sealed with a key that is not in the database.

A sealed text is useless without the deployment's secret; losing the secret means entering the keys again."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from saoma.kit.errors import SaomaError


class SealBroken(SaomaError):
    """The text was sealed with another secret, or changed."""


class Seal:
    """Seals texts, and signs short ones (links, live topics) under a purpose each, from one deployment secret."""

    def __init__(self, secret: str) -> None:
        if len(secret) < 32:
            raise ValueError("the deployment's secret needs at least 32 characters")
        self._secret = secret.encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(self._key("seal")))

    def _key(self, purpose: str) -> bytes:
        return hmac.new(self._secret, purpose.encode(), hashlib.sha256).digest()

    def seal(self, text: str) -> str:
        """Encrypt and authenticate; a different text each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed. Raises `SealBroken`."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken("this secret was sealed by another deployment secret, or changed") from None

    def sign(self, purpose: str, text: str) -> str:
        """`text` with a signature that holds for `purpose` only, safe in a URL."""
        mark = hmac.new(self._key(purpose), text.encode(), hashlib.sha256).digest()[:16]
        packed = (
            base64.urlsafe_b64encode(text.encode()).rstrip(b"=") + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")
        )
        return packed.decode()

    def unsign(self, purpose: str, signed: str) -> str | None:
        """The text, if the signature holds for `purpose`; None otherwise."""
        packed, _, mark = signed.partition(".")
        try:
            text = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
            given = base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
        except ValueError:
            return None
        expected = hmac.new(self._key(purpose), text.encode(), hashlib.sha256).digest()[:16]
        return text if hmac.compare_digest(given, expected) else None
