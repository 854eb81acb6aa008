"""Signing and verifying: MD5, RSA and RSA2 over the sorted text of a request, an answer or a notification. Pure.

A signatory has exactly one algorithm and never accepts another, whatever `sign_type` a message claims: the account
decides, not the message. `sign_type` itself is signed by Open API requests only
(https://docs.antom.com/ac/gr/globalgs, https://docs.antom.com/ac/global/oauth_token)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from saoma.kit.errors import Invalid

#: The published test keys have 1024 bits; nothing shorter was ever Alipay's.
_SMALLEST_KEY_BITS: Final = 1024
_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END) ([A-Z0-9 ]+)-----")
_PADDING: Final = padding.PKCS1v15()


class SignType(StrEnum):
    """The three algorithms of the in-store services, as `sign_type` spells them."""

    MD5 = "MD5"
    RSA = "RSA"
    RSA2 = "RSA2"


class Signatory(Protocol):
    """One algorithm with its keys, loaded once: loading and checking an RSA key costs a hundred signatures."""

    @property
    def sign_type(self) -> SignType:
        """The one algorithm this signatory speaks."""

    def sign(self, data: bytes) -> str:
        """The signature over `data` as it travels. Raises `Invalid` where the key for signing is missing."""

    def verify(self, data: bytes, signature: str) -> bool:
        """Whether `signature` is the other side's over `data`. Never raises for what arrived."""


def string_to_sign(fields: Mapping[str, str], *, keep_sign_type: bool = False) -> str:
    """The text that is signed: `name=value` in ASCII order of the names, joined with `&`, values raw.

    Fields without a value, `sign`, and (unless kept, as Open API requests do) `sign_type` take no part."""
    left_out = ("sign",) if keep_sign_type else ("sign", "sign_type")
    return "&".join(
        [f"{name}={value}" for name, value in sorted(fields.items()) if value and name not in left_out],
    )


class _Md5Signatory:
    """MD5 over the text and the shared key, written one after the other."""

    sign_type = SignType.MD5

    def __init__(self, key: str) -> None:
        self._key = key.encode("ascii")

    def sign(self, data: bytes) -> str:
        return hashlib.md5(data + self._key, usedforsecurity=False).hexdigest()

    def verify(self, data: bytes, signature: str) -> bool:
        # as bytes: comparing texts in constant time works for ASCII only, and this one came from outside
        return hmac.compare_digest(self.sign(data).encode(), signature.encode("utf-8", "replace"))


class _RsaSignatory:
    """RSASSA-PKCS1-v1_5; SHA-1 as `RSA`, SHA-256 as `RSA2`."""

    def __init__(
        self, sign_type: SignType, private_key: rsa.RSAPrivateKey | None, public_key: rsa.RSAPublicKey | None
    ) -> None:
        self._sign_type = sign_type
        self._private_key = private_key
        self._public_key = public_key
        # SHA-1 is Alipay's `RSA`, for accounts that still have it; RSA2 is what we advise
        self._hash = hashes.SHA1() if sign_type is SignType.RSA else hashes.SHA256()

    @property
    def sign_type(self) -> SignType:
        return self._sign_type

    def sign(self, data: bytes) -> str:
        if self._private_key is None:
            raise Invalid("This account has no private key of its own, so nothing can be signed: add one.")
        return base64.b64encode(self._private_key.sign(data, _PADDING, self._hash)).decode("ascii")

    def verify(self, data: bytes, signature: str) -> bool:
        if self._public_key is None:
            return False
        try:
            self._public_key.verify(base64.b64decode(signature, validate=True), data, _PADDING, self._hash)
        except (InvalidSignature, ValueError):
            return False
        return True


def md5_signatory(key: str) -> Signatory:
    """Signs and verifies with the key that partner and Alipay share. Raises `Invalid` for an unusable key."""
    if not key.isascii() or not key.isprintable() or not key or key != key.strip():
        raise Invalid("An MD5 key is plain letters and digits, usually 32 of them: copy it again from the portal.")
    return _Md5Signatory(key)


def rsa_signatory(sign_type: SignType, private_key: str | None, public_key: str | None) -> Signatory:
    """Signs with our private key, verifies with **the other side's** public key; either may be missing.

    Keys are PEM or bare base64, PKCS#8, PKCS#1 or SubjectPublicKeyInfo. Raises `Invalid` for a key it can't read."""
    if sign_type is SignType.MD5:
        raise Invalid("MD5 is not an RSA sign type; an MD5 account needs its MD5 key instead.")
    return _RsaSignatory(
        sign_type,
        _private(private_key) if private_key else None,
        _public(public_key) if public_key else None,
    )


def read_public_key(key: str) -> rsa.RSAPublicKey:
    """A public RSA key from PEM or bare base64, as `rsa_signatory` takes it. Raises `Invalid`."""
    return _public(key)


def new_rsa_key(bits: int = 2048) -> tuple[str, str]:
    """A fresh key pair as PEM texts: private (PKCS#8), public (SubjectPublicKeyInfo)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode("ascii"), public.decode("ascii")


def _der(key: str, kind: str) -> bytes:
    """The bytes of a key text, whether armoured, wrapped, or bare base64 on one line."""
    for label in _ARMOUR.findall(key):
        if not label.endswith(f"{kind.upper()} KEY"):
            raise Invalid("This is a {label}; what is needed here is a {kind} RSA key.", label=label.lower(), kind=kind)
    try:
        return base64.b64decode("".join(_ARMOUR.sub("", key).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("The {kind} key is neither PEM nor base64: paste it again, whole.", kind=kind) from None


@lru_cache(maxsize=64)
def _private(key: str) -> rsa.RSAPrivateKey:
    try:
        loaded = serialization.load_der_private_key(_der(key, "private"), password=None)
    except Invalid:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid("The private key can't be read: use an unencrypted RSA key, PKCS#8 or PKCS#1.") from None
    if not isinstance(loaded, rsa.RSAPrivateKey) or loaded.key_size < _SMALLEST_KEY_BITS:
        raise Invalid("The private key is not an RSA key of 1024 bits or more; Alipay advises 2048.")
    return loaded


@lru_cache(maxsize=64)
def _public(key: str) -> rsa.RSAPublicKey:
    der = _der(key, "public")
    try:
        loaded = serialization.load_der_public_key(der)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if _is_private(der):
            words = "This is a {label}; what is needed here is a {kind} RSA key."
            raise Invalid(words, label="private key", kind="public") from None
        raise Invalid("The public key can't be read: copy Alipay's public key of this account again.") from None
    if not isinstance(loaded, rsa.RSAPublicKey) or loaded.key_size < _SMALLEST_KEY_BITS:
        raise Invalid("The public key is not an RSA key of 1024 bits or more; Alipay advises 2048.")
    return loaded


def _is_private(der: bytes) -> bool:
    """Whether a key without its frame is the wrong half: it begins as any other does."""
    try:
        serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
