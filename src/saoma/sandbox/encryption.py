"""Content encryption of the Open API: AES-CBC with a zero vector and PKCS#7, in base64, by a key from the portal. Pure.

It is done first and signed after: what is signed is the base64 text, in an answer with its quotation marks. The
gateway's own refusals are not encrypted, so that a caller with a wrong key can read why (Alipay's SDKs do the same)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from saoma.alipay.wire import codec
from saoma.kit.errors import Invalid

AES: Final = "AES"
_BITS: Final = 128


class Undecipherable(Exception):
    """The text is no base64, was encrypted with another key, or in another charset."""


def read_key(text: str) -> bytes:
    """A key as the portal shows it. Raises `Invalid`."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) not in (16, 24, 32):
        raise Invalid("aes_key is base64 of 16, 24 or 32 bytes.")
    return key


def encrypted(text: str, key: str, charset: str) -> str:
    """What travels instead of `text`."""
    padder = PKCS7(_BITS).padder()
    data = padder.update(text.encode(codec(charset), "replace")) + padder.finalize()
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(data) + encryptor.finalize()).decode("ascii")


def decrypted(text: str, key: str, charset: str) -> str:
    """What was meant. Raises `Undecipherable`."""
    decryptor, unpadder = _cipher(key).decryptor(), PKCS7(_BITS).unpadder()
    try:
        data = decryptor.update(base64.b64decode(text, validate=True)) + decryptor.finalize()
        return (unpadder.update(data) + unpadder.finalize()).decode(codec(charset))
    except ValueError:
        raise Undecipherable from None


def _cipher(key: str) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(read_key(key)), modes.CBC(bytes(16)))
