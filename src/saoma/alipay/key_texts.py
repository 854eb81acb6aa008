"""Key texts as people paste them: what they hold, what is wrong with them, and how they can be mended. Pure.

Nothing in here ever puts a private key into a text for people; a key is named by the fingerprint of its public half."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Half = Literal["private", "public"]

_ARMOUR: Final = re.compile(r"-----\s*(BEGIN|END)\s+([A-Z0-9 ]+?)\s*-----")
_INVISIBLE: Final = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f"))
_BLANKS: Final = re.compile(r"[\s\u00a0\u3000]+")
_SMALLEST_BITS: Final = 1024


@dataclass(frozen=True, slots=True)
class KeyText:
    """What a text turned out to hold. `pem` is the key ready for use, empty when there is none.

    `flaw` is empty for a text in order; with a `pem` beside it, the flaw can be mended by taking that. `bits` is the
    length, `fingerprint` names the pair. `public_pem` is the public half."""

    flaw: str = ""
    pem: str = field(repr=False, default="")
    public_pem: str = ""
    bits: int = 0
    fingerprint: str = ""


def read_key(text: str, wanted: Half) -> KeyText:
    """Read a pasted RSA key, PEM or bare base64, PKCS#8, PKCS#1 or SubjectPublicKeyInfo, and say what is odd about it.

    Flaws: `empty`, `other_half`, `certificate`, `encrypted`, `not_rsa`, `too_short`, `cut_off`, `junk_after`,
    `unreadable` leave no key; `escaped`, `invisible`, `plus_lost`, `percent`, `url_letters`, `label` do."""
    if not text.strip():
        return KeyText("empty")
    flaws: list[str] = []
    for flaw, mended in _mendings(text):
        flaws.append(flaw)
        found = _read(mended, wanted)
        if found.pem:
            return KeyText(flaw or found.flaw, found.pem, found.public_pem, found.bits, found.fingerprint)
        if flaw == "":
            first = found
    return first


def key_name(text: str) -> str:
    """What two texts of one key have in common, in whatever shape they are: an RSA pair's fingerprint, else the text.

    Never show it: an MD5 key's name is the key."""
    return read_key(text, "public").fingerprint or text


def _mendings(text: str) -> list[tuple[str, str]]:
    """The text itself, and what it may have been before something was done to it."""
    tries = [("", text)]
    plain = text.translate(_INVISIBLE)
    if plain != text:
        tries.append(("invisible", plain))
    if "\\n" in plain or "\\r" in plain:
        tries.append(("escaped", plain.replace("\\r", "").replace("\\n", "\n").strip("\"' \n")))
    if "%" in plain:
        tries.append(("percent", unquote(plain)))
    body = _ARMOUR.sub("", plain)
    if " " in body.strip():
        # a form field decoded once too often: + became a blank
        lines = [line.strip().replace(" ", "+") for line in body.strip().splitlines()]
        tries.append(("plus_lost", "".join(lines)))
    if "-" in body or "_" in body:
        tries.append(("url_letters", body.replace("-", "+").replace("_", "/")))
    return tries


def _read(text: str, wanted: Half) -> KeyText:
    labels = {label for _, label in _ARMOUR.findall(text)}
    if any("CERTIFICATE" in label for label in labels):
        return KeyText("certificate")
    if any("ENCRYPTED" in label for label in labels) or "Proc-Type: 4,ENCRYPTED" in text:
        return KeyText("encrypted")
    packed = "".join(_BLANKS.sub("", line) for line in _ARMOUR.sub("\n", text).splitlines() if ":" not in line)
    try:
        der = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return KeyText("unreadable")
    whole = _length(der)
    if whole and len(der) < whole:
        return KeyText("cut_off")
    if whole and len(der) > whole:
        return KeyText("junk_after")
    key = _loaded(der)
    if key == "encrypted":
        return KeyText("encrypted")
    if key is None:
        return KeyText("unreadable")
    if not isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return KeyText("not_rsa")
    if key.key_size < _SMALLEST_BITS:
        return KeyText("too_short", bits=key.key_size)
    half = "private" if isinstance(key, rsa.RSAPrivateKey) else "public"
    public = key.public_key() if isinstance(key, rsa.RSAPrivateKey) else key
    if half != wanted:
        return KeyText("other_half", bits=key.key_size, fingerprint=_fingerprint(public))
    named = {label.rpartition(" ")[0].split(" ")[-1] for label in labels if label.endswith("KEY")}
    misnamed = bool(named) and half.upper() not in named
    return KeyText("label" if misnamed else "", _pem(key), _pem(public), key.key_size, _fingerprint(public))


def _loaded(der: bytes) -> object:
    try:
        return serialization.load_der_private_key(der, password=None)
    except TypeError:
        return "encrypted"
    except (ValueError, UnsupportedAlgorithm):
        pass
    try:
        return serialization.load_der_public_key(der)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _length(der: bytes) -> int:
    """How long the outer SEQUENCE says it is, its own head included; 0 for anything else."""
    if len(der) < 2 or der[0] != 0x30:
        return 0
    if der[1] < 0x80:
        return 2 + der[1]
    count = der[1] & 0x7F
    if not 1 <= count <= 4 or len(der) < 2 + count:
        return 0
    return 2 + count + int.from_bytes(der[2 : 2 + count], "big")


def _pem(key: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        raw = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    else:
        raw = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return raw.decode("ascii")


def _fingerprint(key: rsa.RSAPublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode("ascii").rstrip("=")


def one_line(pem: str) -> str:
    """A key as bare base64 on one line, as Alipay's portal takes it."""
    return "".join(_BLANKS.sub("", _ARMOUR.sub("", pem)))


def md5_flaw(key: str) -> tuple[str, str]:
    """What is odd about an MD5 key as it was pasted, and the key without that.

    Flaws: `md5_blank` (blanks or line ends), `md5_invisible`, `md5_quoted`, `md5_letters` (can't be mended); a key of
    an unusual length is no flaw."""
    bare = key.translate(_INVISIBLE)
    if bare != key:
        return "md5_invisible", _BLANKS.sub("", bare)
    tight = _BLANKS.sub("", key)
    if tight != key:
        return "md5_blank", tight
    if len(key) > 2 and key[0] == key[-1] and key[0] in "\"'":
        return "md5_quoted", key[1:-1]
    if not key.isascii():
        return "md5_letters", ""
    return "", key
