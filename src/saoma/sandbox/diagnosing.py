"""Why a call was refused, found out by trying: every key on file, every way in which integrations go wrong.

It names the wrong key, charset or parameter in sentences, and never shows a key; the idea is that of Alipay's own
iDiagnose (https://docs.antom.com/ac/tool/idiagnose)."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from saoma.alipay.puzzle import Candidate, Puzzle, Solution, solve, solve_texts
from saoma.alipay.puzzle_words import N_, ODDITIES
from saoma.alipay.signing import SignType
from saoma.kit.clock import beijing
from saoma.sandbox import plus
from saoma.sandbox.calls import Calls, Family, Look, pairs_of
from saoma.sandbox.lifetimes import read_timestamp
from saoma.sandbox.model import Partner
from saoma.sandbox.plus_signing import text_to_sign
from saoma.sandbox.store import Heard

#: More keys than this are not tried: somebody looks at a page and waits.
_MOST_KEYS: Final = 90
_ABOUT_SIGNATURES: Final = ("caller", "sign_type", "key", "signature")
_EIGHT_HOURS: Final = timedelta(hours=8)

#: What is odd about an Alipay+ signature.
PLUS_ODDITIES: Final[Mapping[str, str]] = {
    "plus_path": N_("Another address was signed: {name}. Sign the path and query that are called, without the host."),
    "plus_crlf": N_("The first line ended with CR LF: a single LF stands there."),
    "plus_no_line": N_("The line end after the address is missing."),
    "plus_no_method": N_("The method is missing: the text begins with POST and a blank."),
    "plus_client": N_("The client id was left out: it stands before the time."),
    "plus_time": N_("The time was left out: Request-Time is signed as it is sent."),
    "plus_body_only": N_("Only the body was signed: method, address, client id and time belong to it."),
    "plus_line_end": N_("A line end was signed after the body."),
    "plus_rewritten": N_("The body was signed in another form than it was sent: sign the very bytes that are sent."),
}


@dataclass(frozen=True, slots=True)
class Hint:
    """One sentence: a key of the texts, with its values."""

    words: str
    values: Mapping[str, str] = field(default_factory=dict)


def hints(look: Look, calls: Calls, services: tuple[str, ...]) -> list[Hint]:
    """What was wrong with a refused call, the likeliest first; nothing for one that was let pass."""
    failed = look.failed
    if look.code.startswith("isv.missing-"):
        return [Hint(N_("{name} is missing."), {"name": look.code.removeprefix("isv.missing-").replace("-", "_")})]
    if failed in _ABOUT_SIGNATURES and look.heard is not None and look.family is not Family.OTHER:
        found = _about_signature(look, calls, look.heard)
        return list(_about_caller(look, calls, found)) + found if failed == "caller" else found
    match failed:
        case "charset" if look.family is Family.MAPI:
            given = look.fields.get("_input_charset") or dict(pairs_of(look.heard) if look.heard else []).get(
                "_input_charset", ""
            )
            return [Hint(N_("Alipay takes UTF-8, GBK and GB2312, not {given}."), {"given": given[:40]})]
        case "service":
            return _about_service(look, services)
        case "time":
            return _about_time(look)
        case "contract":
            return [Hint(N_("This partner's contract does not cover the service. Add it to its services here."))]
        case "method":
            return [Hint(N_("Alipay+ is called by POST only."))]
        case "media":
            return [Hint(N_("Send Content-Type: application/json; charset=UTF-8."))]
        case "":
            return []
        case _ if look.why and failed != "work":
            return [Hint(N_("{why}"), {"why": look.why})]
        case _:
            return []


# --- signatures ----------------------------------------------------------------------------------------------------


def _about_signature(look: Look, calls: Calls, heard: Heard) -> list[Hint]:
    if not look.request.sign:
        return [Hint(N_("There is no signature."))]
    caller = _caller(look, calls)
    candidates = _candidates(calls, caller)
    solution = _solved(look, heard, candidates)
    found: list[Hint] = []
    match solution.verdict:
        case "no_signature":
            return [Hint(N_("What stands as the signature is none: neither 32 hex digits (MD5) nor base64 (RSA)."))]
        case "no_key":
            if solution.sign_type is SignType.MD5 and look.request.sign_type != SignType.MD5:
                found.append(Hint(N_("This is an MD5 signature, but another sign type is named.")))
            elif solution.sign_type is not SignType.MD5 and look.request.sign_type == SignType.MD5:
                found.append(Hint(N_("This is an RSA signature, but MD5 is named as sign type.")))
            words = N_("No key on file made this signature, in none of the ways that are known to go wrong.")
            return [*found, Hint(words), *_what_then(look, caller)]
    maker, kind = _maker(solution)
    if caller is not None and maker != caller.partner:
        found.append(
            Hint(
                N_("It was signed with the {kind} key of partner {maker}, not of {caller}: take the right key or PID."),
                {"kind": kind, "maker": maker, "caller": caller.partner},
            )
        )
    elif caller is None:
        found.append(Hint(N_("It was signed with the {kind} key of partner {maker}."), {"kind": kind, "maker": maker}))
    if caller is None:
        return found
    if solution.verdict == "other_text":
        words = N_("The key is right ({kind}), but another text was signed: compare yours with the one below.")
        return [*found, Hint(words, {"kind": kind})]
    found += [_oddity(word, look, solution) for word in solution.oddities if word != "other_sign_type"]
    found += _about_sign_type(look, solution, caller)
    return found


def _about_sign_type(look: Look, solution: Solution, caller: Partner | None) -> list[Hint]:
    made = solution.sign_type.value if solution.sign_type else ""
    if look.family is Family.PLUS:
        right = made == SignType.RSA2
        return [] if right else [Hint(N_("It was hashed with SHA-1: RSA256 is RSA with SHA-256."))]
    named = look.request.sign_type
    if named != made:
        words = N_("It was made with {made}, but sign_type says {named}.")
        return [Hint(words, {"made": made, "named": named or "–"})]
    if caller is not None and look.failed in ("key", "signature") and made not in _sign_types(caller, look.family):
        words = N_("The partner is on file with {right}, not with {made}: sign that way, or change the partner here.")
        return [Hint(words, {"right": ", ".join(_sign_types(caller, look.family)), "made": made})]
    return []


def _what_then(look: Look, caller: Partner | None) -> list[Hint]:
    if look.family is Family.MAPI and look.request.sign_type == SignType.MD5 and caller is not None:
        return [Hint(N_("For MD5 compare the text and the signature below, then the key in the partner's settings."))]
    return [Hint(N_("Give the public half of the key you sign with to POST /control/partners."))]


def _solved(look: Look, heard: Heard, candidates: list[Candidate]) -> Solution:
    if look.family is Family.PLUS:
        return solve_texts(look.request.sign, list(_plus_texts(heard)), candidates, SignType.RSA2)
    pairs = tuple(pairs_of(heard))
    charset = look.fields.get("_input_charset") or look.fields.get("charset") or "GBK"
    return solve(Puzzle(pairs, look.request.sign, look.request.sign_type, charset, encoded=True), candidates)


def _plus_texts(heard: Heard) -> Iterator[tuple[tuple[str, ...], str]]:
    """What may have been signed instead, the right text first."""
    client, time, body = heard.headers.get("client-id", ""), heard.headers.get("request-time", ""), heard.body

    def text(address: str = heard.address, sent: bytes = body) -> str:
        return text_to_sign(address, client, time, sent).decode(errors="replace")

    right = text()
    yield (), right
    path = heard.address.partition("?")[0]
    host = heard.headers.get("host", "")
    swapped = path.replace("/ams/api", "/ams/sandbox/api") if "/sandbox/" not in path else path.replace("/sandbox", "")
    for other in (swapped, path, f"http://{host}{heard.address}", f"https://{host}{heard.address}", path.strip("/")):
        if other != heard.address:
            yield (f"plus_path:{other}",), text(other)
    yield ("plus_crlf",), right.replace("\n", "\r\n", 1)
    yield ("plus_no_line",), right.replace("\n", "", 1)
    yield ("plus_no_method",), right.removeprefix("POST ")
    sent = body.decode(errors="replace")
    yield ("plus_time",), f"POST {heard.address}\n{client}.{sent}"
    yield ("plus_client",), f"POST {heard.address}\n{time}.{sent}"
    yield ("plus_body_only",), sent
    yield ("plus_line_end",), right + "\n"
    for spelled in _spellings(sent):
        yield ("plus_rewritten",), text(sent=spelled.encode())


def _spellings(body: str) -> Iterator[str]:
    if body != body.strip():
        yield body.strip()
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return
    for indent in (None, 2, 4):
        for escape in (False, True):
            for order in (False, True):
                yield json.dumps(parsed, indent=indent, ensure_ascii=escape, sort_keys=order)
                if indent is None:
                    yield json.dumps(parsed, separators=(",", ":"), ensure_ascii=escape, sort_keys=order)


def _candidates(calls: Calls, caller: Partner | None) -> list[Candidate]:
    """Every key on file, the caller's own first. A name is the PID and what the key is for."""
    everybody = sorted(calls.partners.all(), key=lambda one: one is not caller)
    found: list[Candidate] = []
    for one in everybody:
        if one.md5_key:
            found.append(Candidate(f"{one.partner} MD5", one.md5_key))
        if one.public_key:
            found.append(Candidate(f"{one.partner} RSA", one.public_key))
        if one.client_public_key and one.client_public_key != one.public_key:
            found.append(Candidate(f"{one.partner} Alipay+", one.client_public_key))
        found += [Candidate(f"{one.partner} Alipay+", key) for key in one.client_keys.values()]
    return found[:_MOST_KEYS]


def _maker(solution: Solution) -> tuple[str, str]:
    maker, _, kind = solution.key.partition(" ")
    return maker, solution.sign_type.value if solution.sign_type and kind == "RSA" else kind


def _oddity(word: str, look: Look, solution: Solution) -> Hint:
    if word == "other_charset":
        named = look.fields.get("_input_charset") or look.fields.get("charset") or "GBK"
        words = N_("The text was signed in {made}, but {named} is named as charset.")
        return Hint(words, {"made": solution.charset.upper(), "named": named[:40]})
    return Hint(PLUS_ODDITIES.get(word) or ODDITIES[word], {"name": solution.field})


def _caller(look: Look, calls: Calls) -> Partner | None:
    match look.family:
        case Family.MAPI:
            return calls.partners.find(look.fields.get("partner", ""))
        case Family.OPEN_API:
            return calls.partners.of_app(look.fields.get("app_id", ""))
        case _:
            return calls.partners.of_client(look.heard.headers.get("client-id", "") if look.heard else "")


def _sign_types(partner: Partner, family: Family) -> list[str]:
    own = SignType.RSA2 if partner.sign_type == SignType.MD5 else partner.sign_type
    if family is Family.OPEN_API:
        return [own]
    return [
        *([SignType.MD5.value] if partner.md5_key else []),
        *([str(own)] if partner.public_key else []),
    ]


# --- everything else -----------------------------------------------------------------------------------------------


def _about_caller(look: Look, calls: Calls, signature: list[Hint]) -> Iterator[Hint]:
    match look.family:
        case Family.PLUS:
            name, known = "Client-Id", [one.client_id for one in calls.partners.all() if one.client_id]
            given = look.heard.headers.get("client-id", "") if look.heard else ""
        case Family.OPEN_API:
            name, known = "app_id", [one.app_id for one in calls.partners.all() if one.app_id]
            given = look.fields.get("app_id", "")
        case _:
            name, known = "partner", [one.partner for one in calls.partners.all()]
            given = look.fields.get("partner", "")
    if not given:
        yield Hint(N_("{name} is missing."), {"name": name})
        return
    yield Hint(N_("Nobody here has the {name} {given}."), {"name": name, "given": given[:60]})
    # whose key signed is the better answer to who is meant than which name looks alike
    if "maker" not in (signature[0].values if signature else {}) and (
        near := difflib.get_close_matches(given.strip(), known, 1, 0.75)
    ):
        yield Hint(N_("Is {near} meant?"), {"near": near[0]})


def _about_service(look: Look, services: tuple[str, ...]) -> list[Hint]:
    given = look.fields.get("service") or look.fields.get("method") or look.service
    if not given:
        return [Hint(N_("The call names no service."))]
    found = [Hint(N_("There is no service {given}."), {"given": given[:80]})]
    if near := difflib.get_close_matches(given, services, 1, 0.6):
        found.append(Hint(N_("Is {near} meant?"), {"near": near[0]}))
    if look.why:
        found.append(Hint(N_("{why}"), {"why": look.why}))
    return found


def _about_time(look: Look) -> list[Hint]:
    if look.family is Family.PLUS:
        return [Hint(N_("{why}"), {"why": look.why})] if look.why else []
    given = look.fields.get("timestamp", "")
    moment = read_timestamp(given)
    if moment is None:
        return [Hint(N_("The timestamp is no time such as 2024-01-05 12:15:00."))]
    off = moment - look.at
    words = N_("The timestamp says {given}, but it was {now} in Beijing: half an hour apart is allowed.")
    found = [Hint(words, {"given": given, "now": f"{beijing(look.at):%Y-%m-%d %H:%M:%S}"})]
    if abs(off + _EIGHT_HOURS) < timedelta(minutes=30):
        found.append(Hint(N_("Eight hours behind: it was written in UTC, and GMT+8 is wanted.")))
    return found


def known_services(mapi: Mapping[str, object], openapi: tuple[str, ...]) -> tuple[str, ...]:
    """Every name that a call may ask for."""
    return (*mapi, *openapi, *plus.SERVICES)
