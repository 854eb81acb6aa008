"""Which key, sign type and charset make this signature, over which text? The question behind every ILLEGAL_SIGN. Pure.

An RSA signature is opened with each public key at hand: that tells for certain whose it is and what was hashed, also
when nobody knows the text any more. https://docs.antom.com/ac/gr/globalgs, https://docs.antom.com/ac/tool/idiagnose"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from saoma.alipay.key_texts import md5_flaw, read_key
from saoma.alipay.signing import SignType

_PAIR: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]*=")
_MD5: Final = re.compile(r"[0-9A-Fa-f]{32}")
#: The heads of a DigestInfo (RFC 8017, 9.2): which hash a signature was made over.
_HEADS: Final[Mapping[SignType, bytes]] = {
    SignType.RSA: bytes.fromhex("3021300906052b0e03021a05000414"),
    SignType.RSA2: bytes.fromhex("3031300d060960864801650304020105000420"),
}
_CHARSETS: Final = ("utf-8", "gbk")
#: What is not encoded: nothing (PHP, .NET), Python's quote, Java's URLEncoder, JavaScript's two functions.
_LET_STAND: Final = ("", "/", "*", "!'()*", ";,/?:@&=+$!*'()#")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that may have made the signature. `text` is an MD5 key, or a public or private RSA key."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A message and its signature. `pairs` are the parameters as they stand, still percent-encoded where they were;
    `text` is what was pasted when it was no list of parameters but the signed text itself. `orders` are further ways
    in which parameters that came in two places may have stood together, each with its own repetitions."""

    pairs: tuple[tuple[str, str], ...]
    sign: str
    sign_type: str = ""
    charset: str = ""
    text: str = ""
    encoded: bool = False
    orders: tuple[tuple[tuple[str, str], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """What made the signature. `verdict`: `right`, `odd` (it holds, but not as Alipay builds it), `other_text` (this
    key made it over another text), `no_key` (none of these keys), `no_signature` (this is none at all).

    `key` is empty where no key took part. `oddities` are words of `ODDITIES`; `charset` is empty where it makes no
    difference; `text` is what should be signed. `field` names the parameter that an oddity speaks of."""

    verdict: str
    key: str = ""
    sign_type: SignType | None = None
    charset: str = ""
    oddities: tuple[str, ...] = ()
    text: str = ""
    bits: int = 0
    tried: int = 0
    field: str = ""


def read_puzzle(pasted: str, sign: str = "") -> Puzzle:
    """Take apart what somebody pasted: an address, a query string, a form body, or the text that was signed."""
    pasted = pasted.strip()
    if pasted.startswith(("http://", "https://")):
        pasted = urlsplit(pasted).query
    parts = pasted.split("&") if _PAIR.match(pasted) else []
    pairs: list[tuple[str, str]] = []
    for part in parts:
        if _PAIR.match(part):
            name, _, value = part.partition("=")
            pairs.append((name, value))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}&{part}")
    known = dict(pairs)
    encoded = bool(re.search(r"%[0-9A-Fa-f]{2}", pasted))
    if not sign and "sign" in known:
        sign = unquote(known["sign"]) if "%" in known["sign"] else known["sign"]
    charset = known.get("_input_charset") or known.get("charset") or ""
    return Puzzle(tuple(pairs), sign.strip(), known.get("sign_type", ""), charset, pasted, encoded)


def solve(puzzle: Puzzle, candidates: Sequence[Candidate]) -> Solution:
    """Try every key with every way in which integrations are known to go wrong, the right way first."""
    charsets = _charsets(puzzle)
    known: dict[str, tuple[str, ...]] = {}
    for odd, text in _texts(puzzle, charsets):
        # what is said of a text first is the likeliest
        known.setdefault(text, odd)
    texts = [(odd, text) for text, odd in known.items()]
    right = texts[0][1] if texts else ""
    if _MD5.fullmatch(puzzle.sign.strip()):
        return _solve_md5(puzzle, candidates, texts, charsets, right)
    return _solve_rsa(puzzle, candidates, texts, charsets, right)


def solve_texts(
    sign: str, texts: Sequence[tuple[tuple[str, ...], str]], candidates: Sequence[Candidate], sign_type: str = ""
) -> Solution:
    """The same for an RSA signature over a message with a rule of its own: what may have been signed, the right text
    first, each with what is odd about it. A word may name a field behind a colon."""
    return _solve_rsa(Puzzle((), sign, sign_type), candidates, texts, _CHARSETS, texts[0][1])


def _charsets(puzzle: Puzzle) -> tuple[str, ...]:
    """The charset the message names, then the other one."""
    first = "gbk" if puzzle.charset.lower().startswith("gb") else "utf-8"
    return (first, *(name for name in _CHARSETS if name != first))


def _texts(puzzle: Puzzle, charsets: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Texts that may have been signed, each with what is odd about it; the right one first."""
    fields = _fields(puzzle.pairs, charsets[0], encoded=puzzle.encoded)
    is_open_api = any(name == "method" for name, _ in fields) and not any(name == "service" for name, _ in fields)

    def joined(pairs: Sequence[tuple[str, str]], *, keep: bool = is_open_api) -> str:
        return "&".join(f"{name}={value}" for name, value in pairs if value and (keep or name != "sign_type"))

    if fields:
        yield (), joined(sorted(fields))
        yield ("sign_type_left_out" if is_open_api else "sign_type_kept",), joined(sorted(fields), keep=not is_open_api)
        raw = sorted((name, value) for name, value in puzzle.pairs if name != "sign")
        yield ("percent_encoded",), joined(raw)
        for encoded in zip(*(_percent_encoded(value, charsets[0]) for _, value in sorted(fields)), strict=True):
            yield (
                ("percent_encoded",),
                joined([(name, value) for (name, _), value in zip(sorted(fields), encoded, strict=True)]),
            )
        for text in _percent_encoded(joined(sorted(fields)), charsets[0]):
            yield ("text_encoded",), text
        for pairs in (puzzle.pairs, *puzzle.orders):
            order = _fields(pairs, charsets[0], encoded=puzzle.encoded)
            twice = ("repeated",) if len(dict(order)) < len(order) else ()
            yield ("unsorted", *twice), joined(order)
            yield ("unsorted", *twice, "sign_type_kept"), joined(order, keep=True)
            yield ("unsorted", *twice, "charset_left_out"), joined([one for one in order if one[0] != "_input_charset"])
            yield twice, joined(sorted(order))
        yield ("backwards",), joined(sorted(fields, reverse=True))
        for ranks in (str.lower, str.upper, _as_words):
            yield ("case_ignored",), joined([pair for _, pair in sorted((ranks(pair[0]), pair) for pair in fields)])
        yield ("empty_kept",), "&".join(f"{name}={value}" for name, value in sorted(fields) if name != "sign_type")
        yield ("charset_left_out",), joined(sorted(pair for pair in fields if pair[0] != "_input_charset"))
        yield (
            ("quoted",),
            "&".join(f'{name}="{value}"' for name, value in sorted(fields) if value and name != "sign_type"),
        )
        yield ("plus_kept",), joined(sorted((name, unquote(value)) for name, value in puzzle.pairs if name != "sign"))
        yield ("blanks_cut",), joined(sorted((name, value.strip()) for name, value in fields))
        yield ("ampersand_after",), joined(sorted(fields)) + "&"
        yield ("line_end",), joined(sorted(fields)) + "\n"
        yield ("line_end",), joined(sorted(fields)) + "\r\n"
        yield ("no_separator",), joined(sorted(fields)).replace("&", "")
        yield ("order_mark",), "\ufeff" + joined(sorted(fields))
        if any("\n" in value for _, value in fields):
            lines = [(name, value.replace("\r\n", "\n")) for name, value in sorted(fields)]
            yield ("line_ends",), joined(lines)
            yield ("line_ends",), joined([(name, value.replace("\n", "\r\n")) for name, value in lines])
    if puzzle.text or not fields:
        yield (() if not fields else ("as_pasted",)), puzzle.text
    # one parameter that was changed or added between signing and sending
    for name, value in fields:
        yield (f"one_left_out:{name}",), joined(sorted(pair for pair in fields if pair[0] != name))
        for other in _other_spellings(value):
            yield (
                (f"one_rewritten:{name}",),
                joined(sorted((*(pair for pair in fields if pair[0] != name), (name, other)))),
            )


def _fields(pairs: Sequence[tuple[str, str]], charset: str, *, encoded: bool) -> list[tuple[str, str]]:
    decoded = [(unquote_plus(name), _decoded(value, charset, encoded=encoded)) for name, value in pairs]
    return [(name, value) for name, value in decoded if name != "sign"]


def _percent_encoded(text: str, charset: str) -> Iterator[str]:
    """A text as languages encode it, always the same number of ways: they differ in blanks and in what they let stand,
    and .NET writes small letters."""
    for encode, letters in product((quote, quote_plus), _LET_STAND):
        done = encode(text, letters, charset, "replace")
        yield done
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), done)


def _as_words(name: str) -> str:
    """What dictionaries, and the collations of many languages, sort by."""
    return name.replace("_", "").lower()


def _other_spellings(value: str) -> Iterator[str]:
    """What a value may have been when it was signed: JSON in another form, an amount with other zeros."""
    found: list[str] = []
    if value[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            parsed = json.loads(value)
            for separators in ((",", ":"), (", ", ": ")):
                for escape in (False, True):
                    for order in (False, True):
                        found.append(json.dumps(parsed, separators=separators, ensure_ascii=escape, sort_keys=order))
            found.append(found[0].replace("/", "\\/"))
    elif re.fullmatch(r"\d{1,12}(\.\d{1,8})?", value):
        whole, _, part = value.partition(".")
        found += [whole, f"{whole}.{part.rstrip('0')}".rstrip("."), f"{whole}.{part.ljust(2, '0')}", f"{whole}.{part}0"]
    yield from dict.fromkeys(other for other in found if other != value)


def _decoded(value: str, charset: str, *, encoded: bool) -> str:
    return unquote_plus(value, encoding=charset, errors="replace") if encoded else value


def _encodings(text: str, charsets: tuple[str, ...]) -> Iterator[tuple[str, bytes, bool]]:
    """The text's bytes by charset; whether it is another than the message names."""
    for number, name in enumerate(charsets):
        try:
            data = text.encode(name)
        except UnicodeEncodeError:
            continue
        yield ("" if text.isascii() else name), data, number > 0
        if text.isascii():
            return


def _solve_md5(
    puzzle: Puzzle,
    candidates: Sequence[Candidate],
    texts: Sequence[tuple[tuple[str, ...], str]],
    charsets: tuple[str, ...],
    right: str,
) -> Solution:
    sign, tried = puzzle.sign.strip(), 0
    cased: tuple[str, ...] = () if sign == sign.lower() else ("capitals",)
    for odd, text in texts:
        for charset, data, other in _encodings(text, charsets):
            oddities = (*cased, *(("other_charset",) if other else ()))
            for candidate in candidates:
                for how, before, after in _md5_keys(candidate.text):
                    tried += 1
                    made = hashlib.md5(before + data + after, usedforsecurity=False).hexdigest()
                    if hmac.compare_digest(made, sign.lower()):
                        return _found(candidate, SignType.MD5, charset, (*odd, *how, *oddities), right, tried)
            tried += 1
            if hmac.compare_digest(hashlib.md5(data, usedforsecurity=False).hexdigest(), sign.lower()):
                oddities = (*odd, "key_missing", *oddities)
                return _found(Candidate("", ""), SignType.MD5, charset, oddities, right, tried)
    return Solution("no_key", sign_type=SignType.MD5, text=right, tried=tried)


def _found(
    candidate: Candidate, sign_type: SignType, charset: str, oddities: tuple[str, ...], right: str, tried: int
) -> Solution:
    words = tuple(word.partition(":")[0] for word in oddities)
    field_ = next((word.partition(":")[2] for word in oddities if ":" in word), "")
    verdict = "odd" if oddities else "right"
    return Solution(verdict, candidate.name, sign_type, charset, words, right, tried=tried, field=field_)


def _md5_keys(text: str) -> Iterator[tuple[tuple[str, ...], bytes, bytes]]:
    """An MD5 key as it may have been used, and what then stood before and behind the text; nothing for an RSA key."""
    if "-----" in text or len(text.strip()) > 128:
        return
    flaw, bare = md5_flaw(text)
    if not bare:
        return
    if flaw:
        # the signature was made with the mended key: what is kept here is the one that is wrong
        yield (flaw,), b"", bare.encode()
        yield (), b"", text.encode()
    else:
        yield (), b"", bare.encode()
    for how, key in (("key_line_end", f"{bare}\n"), ("key_line_end", f"{bare}\r\n"), ("key_blank", f" {bare}")):
        yield (how,), b"", key.encode()
    yield ("key_blank",), b"", f"{bare} ".encode()
    yield ("key_order_mark",), b"", f"\ufeff{bare}".encode()
    yield ("key_named",), b"", f"&key={bare}".encode()
    yield ("key_apart",), b"", f"&{bare}".encode()
    yield ("key_first",), bare.encode(), b""


def _solve_rsa(
    puzzle: Puzzle,
    candidates: Sequence[Candidate],
    texts: Sequence[tuple[tuple[str, ...], str]],
    charsets: tuple[str, ...],
    right: str,
) -> Solution:
    signatures = list(_signatures(puzzle.sign))
    if not signatures:
        return Solution("no_signature", text=right)
    tried = 0
    for candidate in candidates:
        public = _public(candidate.text)
        if public is None:
            continue
        for how, signature in signatures:
            tried += 1
            opened = open_signature(public, signature)
            if opened is None:
                continue
            sign_type, digest = opened
            for odd, text in texts:
                for charset, data, other in _encodings(text, charsets):
                    if hmac.compare_digest(_digest(sign_type, data), digest):
                        named = puzzle.sign_type and puzzle.sign_type != sign_type.value
                        oddities = (
                            *odd,
                            *how,
                            *(("other_charset",) if other else ()),
                            *(("other_sign_type",) if named else ()),
                        )
                        return _found(candidate, sign_type, charset, oddities, right, tried)
            return Solution("other_text", candidate.name, sign_type, "", how, right, tried=tried)
    return Solution("no_key", text=right, bits=8 * len(signatures[0][1]), tried=tried)


def _digest(sign_type: SignType, data: bytes) -> bytes:
    name = "sha1" if sign_type is SignType.RSA else "sha256"
    return hashlib.new(name, data, usedforsecurity=False).digest()


def _signatures(sign: str) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The signature's bytes, and what it may have been before a form spoiled it."""
    seen: set[bytes] = set()
    for how, text in (
        ((), sign),
        (("sign_plus_lost",), sign.strip().replace(" ", "+")),
        (("sign_encoded",), unquote(sign)),
        (("sign_encoded",), unquote(unquote(sign))),
        (("sign_url_letters",), sign.replace("-", "+").replace("_", "/")),
        (("sign_wrapped",), "".join(sign.split())),
    ):
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(raw) >= 64 and raw not in seen:
            seen.add(raw)
            yield how, raw


def open_signature(public: rsa.RSAPublicKey, signature: bytes) -> tuple[SignType, bytes] | None:
    """What was hashed, and how, if this key's private half made the signature; None if another did."""
    try:
        info = public.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except (InvalidSignature, ValueError):
        return None
    for sign_type, head in _HEADS.items():
        if info.startswith(head):
            return sign_type, info[len(head) :]
    return None


def _public(text: str) -> rsa.RSAPublicKey | None:
    for half in ("public", "private"):
        pem = read_key(text, half).public_pem
        if pem:
            loaded = serialization.load_pem_public_key(pem.encode())
            return loaded if isinstance(loaded, rsa.RSAPublicKey) else None
    return None
