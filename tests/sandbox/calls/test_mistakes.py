"""Every mistake that integrations are known to make is named on the call page, and nothing else beside it.

The whole sentence is compared: a second hint would send people the wrong way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

import pytest

from saoma.alipay.signing import Signatory, SignType, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.alipay.wire import form
from saoma.kit.i18n import texts
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.store import Heard
from saoma.sandbox.calls.diagnosing import hints, known_services
from saoma.sandbox.mapi.gateway import OPERATIONS
from saoma.sandbox.openapi.gateway import METHODS
from saoma.sandbox.plus import gateway as ams
from saoma.sandbox.plus.signing import text_to_sign, write_signature
from tests.sandbox import make
from tests.sandbox.near import Near, near
from tests.sandbox.plus import make as plus
from tests.sandbox.plus.make import CLIENT, PAY, TIME

OTHER = Partner("2088000000000042", "2016000000000042", md5_key="zyxwvutsrqponmlkjihgfedcba654321")
#: A partner that gave Alipay's public key for its own, as it happens when the portal shows both.
MIXED_UP = Partner(
    "2088000000000043", "2016000000000043", sign_type="RSA2", public_key=make.alipay_keys()[1]
)  # fmt: skip
CERTIFIED = Partner(
    "2088000000000044", "2016000000000044", sign_type="RSA2", public_key=make.partner_keys()[1], certificate_mode=True
)  # fmt: skip
Text = Callable[[dict[str, str]], str]


@pytest.fixture(scope="module")
def wire() -> Near:
    return near(make.settings(partners=[plus.partner(), OTHER, MIXED_UP, CERTIFIED]))


def said(wire: Near) -> str:
    """The hints for the latest call in English; each is there in Chinese, too."""
    look = wire.sandbox.calls.look(wire.book.store.heard(limit=1)[0])
    found = hints(look, wire.sandbox.calls, known_services(OPERATIONS, METHODS))
    for hint in found:
        chinese = texts("zh")(hint.words, **hint.values)
        assert hint.words == "{why}" or chinese != texts("en")(hint.words, **hint.values), hint.words
    return " ".join(texts("en")(hint.words, **hint.values) for hint in found)


# --- the XML gateway -------------------------------------------------------------------------------------------------

FIELDS = make.pay_fields(trans_name="面条 & soup", memo=" a b\r\nc ")


def md5(text: Text, key: str = make.KEY, codec: str = "utf-8") -> str:
    """A signature over what somebody takes for the text to sign."""
    return hashlib.md5(text(FIELDS | {"sign_type": "MD5"}).encode(codec) + key.encode()).hexdigest()


def by(signatory: Signatory, text: Text = string_to_sign) -> str:
    return signatory.sign(text(FIELDS).encode())


def ordered(names: Iterable[str], fields: Mapping[str, str]) -> str:
    return "&".join(f"{name}={fields[name]}" for name in names if fields[name] and name != "sign_type")


AS_WORDS = "The names were sorted as words are: sort by ASCII, capitals first, then _, then small letters."


def changed(**values: str) -> Text:
    return lambda fields: string_to_sign(fields | values)


RSA2 = {"sign_type": "RSA2"}
XML: Mapping[str, tuple[dict[str, str], str]] = {
    "another partner's key": (
        {"sign": md5(string_to_sign, OTHER.md5_key)},
        "It was signed with the MD5 key of partner 2088000000000042, not of 2088000000000001: take the right key or "
        "PID.",
    ),
    "another charset": (
        {"sign": md5(string_to_sign, codec="gbk")}, "The text was signed in GBK, but UTF-8 is named as charset.",
    ),
    "unsorted": (
        {"sign": md5(lambda f: "&".join(f"{n}={v}" for n, v in f.items() if n != "sign_type"))},
        "The parameters were signed in the order they are sent: sort them by name.",
    ),
    "sorted backwards": (
        {"sign": md5(lambda f: ordered(sorted(f, reverse=True), f))},
        "The parameters were sorted backwards: sort them by name from a to z.",
    ),
    "sorted in capitals": (
        {"sign": md5(lambda f: ordered(sorted(f, key=str.upper), f))}, AS_WORDS,
    ),
    "sorted as a dictionary": (
        {"sign": md5(lambda f: ordered(sorted(f, key=lambda name: name.replace("_", "")), f))}, AS_WORDS,
    ),
    "encoded before signing": (
        {"sign": md5(lambda f: string_to_sign({n: quote(v, safe="") for n, v in f.items()}))},
        "The values were signed percent-encoded: sign them raw, encode afterwards.",
    ),
    "encoded before signing, but for /": (
        {"sign": md5(lambda f: string_to_sign({n: quote(v) for n, v in f.items()}))},
        "The values were signed percent-encoded: sign them raw, encode afterwards.",
    ),
    "encoded by JavaScript": (
        {"sign": md5(lambda f: string_to_sign({n: quote(v, safe="!'()*") for n, v in f.items()}))},
        "The values were signed percent-encoded: sign them raw, encode afterwards.",
    ),
    "all encoded": (
        {"sign": md5(lambda f: quote(string_to_sign(f), safe=""))},
        "The whole text was signed percent-encoded: sign it raw, encode the values afterwards.",
    ),
    "sign_type included": (
        {"sign": md5(lambda f: string_to_sign(f, keep_sign_type=True))}, "sign_type was signed, too: leave it out.",
    ),
    "a charset not signed": (
        {"sign": md5(changed(_input_charset=""))},
        "_input_charset was left out: it is signed, also when it stands in the address.",
    ),
    "whitespace cut": (
        {"sign": md5(lambda f: string_to_sign({n: v.strip() for n, v in f.items()}))},
        "Blanks at the ends of values were cut before signing: send what is signed.",
    ),
    "line ends within a value": (
        {"sign": md5(changed(memo=" a b\nc "))},
        "Line ends within a value were signed otherwise than they were sent (LF and CR LF).",
    ),
    "a line end behind": (
        {"sign": md5(lambda f: string_to_sign(f) + "\r\n")}, "A line end was signed after the last parameter.",
    ),
    "a byte order mark before": (
        {"sign": md5(lambda f: "\ufeff" + string_to_sign(f))},
        "A byte order mark (BOM) was signed before the text: save without BOM.",
    ),
    "a byte order mark in the key": (
        {"sign": md5(string_to_sign, "\ufeff" + make.KEY)},
        "A byte order mark (BOM) was taken for part of the key: save the key's file without it.",
    ),
    "a line end in the key": (
        {"sign": md5(string_to_sign, make.KEY + "\r\n")}, "A line end was taken for part of the key.",
    ),
    "a blank in the key": ({"sign": md5(string_to_sign, make.KEY + " ")}, "A blank was taken for part of the key."),
    "key= before the key": (
        {"sign": md5(string_to_sign, "&key=" + make.KEY)}, "&key= stands before the key: append the key alone.",
    ),
    "the key first": (
        {"sign": md5(lambda f: make.KEY + string_to_sign(f), "")}, "The key stands before the text: append it.",
    ),
    "no key": (
        {"sign": md5(string_to_sign, "")},
        "No key was appended to the text: for MD5 it stands behind it, without a separator.",
    ),
    "capitals": (
        {"sign": md5(string_to_sign).upper()}, "The MD5 signature is in capitals: Alipay wants small letters.",
    ),
    "a wrong parameter": (
        {"sign": md5(changed(trans_amount="12.5"))},
        "trans_amount was signed in another spelling than it was sent: sign the very text that is sent.",
    ),
    "a parameter added after signing": (
        {"sign": md5(changed(memo=""))}, "memo was not signed: sign every parameter that is sent.",
    ),
    "nothing like it": (
        {"sign": md5(lambda f: "x")},
        "No key on file made this signature, in none of the ways that are known to go wrong. "
        "For MD5 compare the text and the signature below, then the key in the partner's settings.",
    ),
    "no signature": ({"sign": ""}, "There is no signature."),
    "no sign": (
        {"sign": "signature"},
        "What stands as the signature is none: neither 32 hex digits (MD5) nor base64 (RSA).",
    ),
    "MD5 named RSA2": ({"sign": md5(string_to_sign), **RSA2}, "It was made with MD5, but sign_type says RSA2."),
    "SHA-1 named RSA2": (
        {"sign": by(make.partner_signatory(SignType.RSA)), **RSA2}, "It was made with RSA, but sign_type says RSA2.",
    ),
    "a stranger's RSA key": (
        {"sign": by(rsa_signatory(SignType.RSA2, new_rsa_key(1024)[0], None)), **RSA2},
        "No key on file made this signature, in none of the ways that are known to go wrong. "
        "Give the public half of the key you sign with to POST /control/partners.",
    ),
    "the wrong partner": (
        {"partner": "2088000000000009", "sign": md5(changed(partner="2088000000000009"))},
        "Nobody here has the partner 2088000000000009. It was signed with the MD5 key of partner 2088000000000001.",
    ),
    "no partner": (
        {"partner": "", "sign": md5(changed(partner=""))},
        "partner is missing. It was signed with the MD5 key of partner 2088000000000001.",
    ),
    "another service": (
        {"service": "alipay.acquire.overseas.spot.pya"},
        "There is no service alipay.acquire.overseas.spot.pya. Is alipay.acquire.overseas.spot.pay meant?",
    ),
    "another charset's name": ({"_input_charset": "LATIN1"}, "Alipay takes UTF-8, GBK and GB2312, not LATIN1."),
}  # fmt: skip


@pytest.mark.parametrize("mistake", XML)
async def test_a_mistake_at_the_xml_gateway_is_named_alone(wire: Near, mistake: str) -> None:
    changes, words = XML[mistake]
    await wire.send(FIELDS | {"sign_type": "MD5"} | changes)
    assert said(wire) == words


@pytest.mark.parametrize(
    ("timestamp", "words"),
    [
        ("", "timestamp is missing."),
        ("noon", "The timestamp is no time such as 2024-01-05 12:15:00."),
        (
            "2024-01-05 13:00:00",
            "The timestamp says 2024-01-05 13:00:00, but it was 2024-01-05 12:15:32 in Beijing: half an hour apart is "
            "allowed.",
        ),
        (
            "2024-01-05 04:15:00",
            "The timestamp says 2024-01-05 04:15:00, but it was 2024-01-05 12:15:32 in Beijing: half an hour apart is "
            "allowed. Eight hours behind: it was written in UTC, and GMT+8 is wanted.",
        ),
    ],
)
async def test_a_clock_that_is_off_is_named_alone(wire: Near, timestamp: str, words: str) -> None:
    await wire.send(make.signed(make.cancel_fields("X", timestamp=timestamp)))
    assert said(wire) == words


@pytest.mark.parametrize(
    ("signed", "words"),
    [
        ("query", "Only what is in the address was signed: the parameters in the body belong to it."),
        ("body", "Only what is in the body was signed: the parameters in the address belong to it."),
    ],
)
async def test_a_call_in_two_places_of_which_one_was_signed(wire: Near, signed: str, words: str) -> None:
    query = {"service": make.QUERY, "partner": make.PARTNER, "_input_charset": "UTF-8"}
    body = {"partner_trans_id": "X", "trans_amount": "1.00"}
    half = query if signed == "query" else body
    whole = form(query, "UTF-8"), form(body | make.signed(half) if signed == "body" else body | _sign(half), "UTF-8")
    with wire.book.store.hearing(Heard("POST", f"/gateway.do?{whole[0].decode()}", {}, whole[1])):
        wire.sandbox.mapi.answer(*whole)
    assert said(wire) == words


TWICE = "A parameter that stands in the address and in the body was signed twice: sign it once."
CHARSET = "_input_charset was left out: it is signed, also when it stands in the address."
UNSORTED = "The parameters were signed in the order they are sent: sort them by name."


@pytest.mark.parametrize(
    ("signed", "words"),
    [
        ("body", UNSORTED),
        ("query+body once", UNSORTED),
        ("body+query", f"{UNSORTED} {TWICE}"),
        ("query+body", f"{UNSORTED} {TWICE}"),
        ("sorted", TWICE),
        ("body without charset", f"{UNSORTED} {CHARSET}"),
    ],
)
@pytest.mark.parametrize("sign_type", [SignType.MD5, SignType.RSA2])
async def test_a_call_that_says_its_charset_in_both_places_and_is_unsorted(
    wire: Near, sign_type: SignType, signed: str, words: str
) -> None:
    # as the programs of the quick start call: everything in the body, the charset in the address, too
    charset = {"_input_charset": "UTF-8"}
    body = {"service": make.QUERY, "partner": make.PARTNER} | charset | {"partner_trans_id": "X"}
    pairs = {
        "body": body.items(),
        "query+body once": (charset | body).items(),
        "body+query": (*body.items(), *charset.items()),
        "query+body": (*charset.items(), *body.items()),
        "sorted": sorted((*charset.items(), *body.items())),
        "body without charset": [pair for pair in body.items() if pair not in charset.items()],
    }[signed]
    text = "&".join(f"{name}={value}" for name, value in pairs)
    signatory = md5_signatory(make.KEY) if sign_type is SignType.MD5 else make.partner_signatory()
    whole = (
        form(charset, "UTF-8"),
        form(body | {"sign": signatory.sign(text.encode()), "sign_type": sign_type}, "UTF-8"),
    )
    with wire.book.store.hearing(Heard("POST", f"/gateway.do?{whole[0].decode()}", {}, whole[1])):
        wire.sandbox.mapi.answer(*whole)
    assert said(wire) == words


def _sign(half: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in make.signed(half).items() if name.startswith("sign")}


# --- the Open API ----------------------------------------------------------------------------------------------------

OPEN = {
    "app_id": make.APP, "method": "alipay.trade.query", "charset": "utf-8", "timestamp": "2024-01-05 12:15:32",
    "version": "1.0", "sign_type": "RSA2", "biz_content": '{"out_trade_no":"X"}',
}  # fmt: skip


async def test_the_public_key_of_the_other_side_is_seen(wire: Near) -> None:
    await wire.send(make.signed(OPEN | {"app_id": MIXED_UP.app_id}, make.partner_signatory(), open_api=True))
    assert said(wire) == (
        # its own key is on file for the first partner: that is whose it seems to be
        "It was signed with the RSA2 key of partner 2088000000000001, not of 2088000000000043: take the right key or "
        "PID."
    )
    stranger = rsa_signatory(SignType.RSA2, new_rsa_key(1024)[0], None)
    await wire.send(make.signed(OPEN | {"app_id": MIXED_UP.app_id}, stranger, open_api=True))
    assert said(wire) == (
        "No key on file made this signature, in none of the ways that are known to go wrong. "
        "The public key on file for this partner is Alipay's (this sandbox's) own: give your application's."
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (lambda app, root: (root, app), "app_cert_sn and alipay_root_cert_sn have changed places."),
        (lambda app, root: (app.upper(), root), "app_cert_sn is in capitals: the number is written in small letters."),
        (
            lambda app, root: (app, f"{root}_0123456789abcdef"),
            "alipay_root_cert_sn counts too many certificates of the root file: only those signed with RSA belong to "
            "it.",
        ),
        (lambda app, root: ("", root), "app_cert_sn is missing."),
        (
            lambda app, root: ("1234", root),
            "app_cert_sn is 1234, but {app} here: MD5 over the issuer (CN first) and the decimal serial number.",
        ),
    ],
)
async def test_certificate_numbers_are_told_apart(
    wire: Near, numbers: Callable[[str, str], tuple[str, str]], words: str
) -> None:
    from saoma.sandbox.openapi.certificates import cert_sn

    known = wire.sandbox.openapi.certificates
    app = cert_sn(known.of_app(CERTIFIED) or "")
    first, second = numbers(app, known.root_sn)
    fields = OPEN | {"app_id": CERTIFIED.app_id, "app_cert_sn": first, "alipay_root_cert_sn": second}
    await wire.send(make.signed(fields, make.partner_signatory(), open_api=True))
    assert said(wire) == words.replace("{app}", app)


# --- Alipay+ ---------------------------------------------------------------------------------------------------------

BODY = json.dumps(plus.pay_body()).encode()
RIGHT = text_to_sign(PAY, CLIENT, TIME, BODY)
HEAD = {"content-type": "application/json; charset=UTF-8", "client-id": CLIENT, "request-time": TIME}
SIGNATURE = write_signature(make.partner_signatory(), RIGHT)


def over(text: bytes) -> dict[str, str]:
    return {"signature": write_signature(make.partner_signatory(), text)}


PLUS: Mapping[str, tuple[dict[str, str], str]] = {
    "no signature": ({"signature": ""}, "There is no signature."),
    "not a header": (
        {"signature": SIGNATURE.rpartition("=")[2]},
        "The Signature header can't be read: it is algorithm=RSA256,keyVersion=1,signature=… on one line.",
    ),
    "another algorithm": (
        {"signature": SIGNATURE.replace("RSA256", "SHA256withRSA")},
        "The algorithm is named SHA256withRSA: write RSA256.",
    ),
    "another version": (
        {"signature": SIGNATURE.replace("keyVersion=1", "keyVersion=7")},
        "No key of version 7 is on file for this client: keyVersion names it.",
    ),
    "SHA-1": (
        {"signature": write_signature(make.partner_signatory(SignType.RSA), RIGHT)},
        "It was hashed with SHA-1: RSA256 is RSA with SHA-256.",
    ),
    "another path": (
        over(text_to_sign("/ams/sandbox/api/v1/payments/pay", CLIENT, TIME, BODY)),
        "Another address was signed: /ams/sandbox/api/v1/payments/pay. Sign the path and query that are called, "
        "without the host.",
    ),
    "CR LF": (over(RIGHT.replace(b"\n", b"\r\n", 1)), "The first line ended with CR LF: a single LF stands there."),
    "no line": (over(RIGHT.replace(b"\n", b"", 1)), "The line end after the address is missing."),
    "no method": (
        over(RIGHT.removeprefix(b"POST ")), "The method is missing: the text begins with POST and a blank.",
    ),
    "no client": (
        over(RIGHT.replace(CLIENT.encode() + b".", b"")),
        "The client id was left out: it stands before the time.",
    ),
    "no time": (
        over(RIGHT.replace(TIME.encode() + b".", b"")), "The time was left out: Request-Time is signed as it is sent.",
    ),
    "body only": (over(BODY), "Only the body was signed: method, address, client id and time belong to it."),
    "line end": (over(RIGHT + b"\n"), "A line end was signed after the body."),
    "rewritten": (
        over(text_to_sign(PAY, CLIENT, TIME, json.dumps(plus.pay_body(), indent=2).encode())),
        "The body was signed in another form than it was sent: sign the very bytes that are sent.",
    ),
    "no client id": (
        {"client-id": ""},
        "Client-Id is missing. It was signed with the RSA2 key of partner 2088000000000001.",
    ),
    "another client": (
        {"client-id": "SANDBOX_5X0000000000000"},
        "Nobody here has the Client-Id SANDBOX_5X0000000000000. It was signed with the RSA2 key of partner "
        "2088000000000001.",
    ),
    "another content type": (
        {"content-type": "application/x-www-form-urlencoded"}, "Send Content-Type: application/json; charset=UTF-8.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", PLUS)
async def test_a_mistake_in_the_headers_of_alipay_plus_is_named_alone(wire: Near, mistake: str) -> None:
    changes, words = PLUS[mistake]
    await wire.send_plus(ams.Heard("POST", PAY, HEAD | {"signature": SIGNATURE} | changes, BODY))
    assert said(wire) == words


async def test_a_call_by_get_is_told_so(wire: Near) -> None:
    await wire.send_plus(ams.Heard("GET", PAY, HEAD | {"signature": SIGNATURE}, b""))
    assert said(wire) == "Alipay+ is called by POST only."
