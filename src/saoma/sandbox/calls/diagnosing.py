"""Why a call was refused, found out by trying: every key on file, every way in which integrations go wrong.

It names the wrong key, charset or parameter in sentences, and never shows a key; the idea is that of Alipay's own
iDiagnose (https://docs.antom.com/ac/tool/idiagnose)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from saoma.alipay.key_texts import key_name
from saoma.alipay.puzzle import Candidate, Puzzle, Solution, solve, solve_texts
from saoma.alipay.puzzle_words import N_, ODDITIES
from saoma.alipay.signing import SignType
from saoma.kit.clock import beijing
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.store import Heard
from saoma.sandbox.calls.acknowledging import about_answer, about_silence
from saoma.sandbox.calls.calls import Calls, pairs_of
from saoma.sandbox.calls.hint import Hint
from saoma.sandbox.calls.looks import Family, Look, Outcome
from saoma.sandbox.calls.plus_mistakes import PLUS_ODDITIES, texts_of
from saoma.sandbox.calls.reasons import in_words
from saoma.sandbox.lifetimes import read_timestamp
from saoma.sandbox.plus import gateway as plus
from saoma.sandbox.plus.signing import read_signature

#: More keys than this are not tried: somebody looks at a page and waits.
_MOST_KEYS: Final = 90
_ABOUT_SIGNATURES: Final = ("caller", "sign_type", "key", "signature")
_EIGHT_HOURS: Final = timedelta(hours=8)


def hints(look: Look, calls: Calls, services: tuple[str, ...]) -> list[Hint]:
    """What was wrong with a refused call, the likeliest first; nothing for one that was let pass."""
    failed = look.failed
    if look.family is Family.TOLD:
        return list(_about_telling(look)) if look.outcome is not Outcome.DONE else []
    if look.family is Family.PAGE:
        return _about_page(look, calls) if failed else []
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
        case "certificate":
            return _about_certificates(look)
        case "media":
            return [Hint(N_("Send Content-Type: application/json; charset=UTF-8."))]
        case "":
            return []
        case _ if look.why and failed != "work":
            return [in_words(look.why, look.fields)]
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
    if look.family is not Family.PLUS and solution.verdict not in ("right", "odd"):
        for words, half in _halves(look, heard):
            if solve(half, candidates).verdict == "right":
                return [Hint(words)]
    match solution.verdict:
        case _ if look.family is Family.PLUS and read_signature(heard.headers.get("signature", "")) is None:
            words = N_(
                "The Signature header can't be read: it is algorithm=RSA256,keyVersion=1,signature=… on one line."
            )
            return [Hint(words)]
        case _ if look.family is Family.PLUS and look.failed == "key":
            given = read_signature(heard.headers.get("signature", ""))
            words = N_("No key of version {given} is on file for this client: keyVersion names it.")
            return [Hint(words, {"given": given.key_version if given else "–"})]
        case "right" if look.family is Family.PLUS and look.request.sign_type != "RSA256":
            words = N_("The algorithm is named {named}: write RSA256.")
            return [Hint(words, {"named": look.request.sign_type[:40]})]
        case "no_signature":
            return [Hint(N_("What stands as the signature is none: neither 32 hex digits (MD5) nor base64 (RSA)."))]
        case "no_key":
            if solution.sign_type is SignType.MD5 and look.request.sign_type != SignType.MD5:
                found.append(Hint(N_("This is an MD5 signature, but another sign type is named.")))
            elif solution.sign_type is not SignType.MD5 and look.request.sign_type == SignType.MD5:
                found.append(Hint(N_("This is an RSA signature, but MD5 is named as sign type.")))
            words = N_("No key on file made this signature, in none of the ways that are known to go wrong.")
            return [*found, Hint(words), *_what_then(look, calls, caller)]
    maker, kind = _maker(solution)
    if not maker:
        return [_oddity(word, look, solution) for word in solution.oddities] + _about_sign_type(look, solution, caller)
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


def _what_then(look: Look, calls: Calls, caller: Partner | None) -> list[Hint]:
    ours = key_name(calls.partners.alipay_public_key)
    own = caller and (caller.client_public_key if look.family is Family.PLUS else caller.public_key)
    if own and key_name(own) == ours:
        words = N_("The public key on file for this partner is Alipay's (this sandbox's) own: give your application's.")
        return [Hint(words)]
    if look.family is Family.MAPI and look.request.sign_type == SignType.MD5 and caller is not None:
        return [Hint(N_("For MD5 compare the text and the signature below, then the key in the partner's settings."))]
    return [Hint(N_("Give the public half of the key you sign with to POST /control/partners."))]


def _solved(look: Look, heard: Heard, candidates: list[Candidate]) -> Solution:
    if look.family is Family.PLUS:
        return solve_texts(look.request.sign, list(texts_of(heard)), candidates, SignType.RSA2)
    pairs = tuple(pairs_of(heard))
    charset = look.fields.get("_input_charset") or look.fields.get("charset") or "GBK"
    puzzle = Puzzle(pairs, look.request.sign, look.request.sign_type, charset, encoded=True, orders=_orders(heard))
    return solve(puzzle, candidates)


def _orders(heard: Heard) -> tuple[tuple[tuple[str, str], ...], ...]:
    """How else the parameters of a call in two places may have stood when they were signed."""
    query, body = _places(heard)
    if not query or not body:
        return ()
    # what the address says counts, wherever it stands
    body_first = dict(body) | dict(query)
    return tuple(body_first.items()), (*query, *body), (*body, *query)


def _places(heard: Heard) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The parameters in the address, and those in the body."""
    query, body = heard.address.partition("?")[2], heard.body.decode("latin-1")
    return pairs_of(Heard("POST", f"?{query}", {}, b"")), pairs_of(Heard("POST", f"?{body}", {}, b""))


def _halves(look: Look, heard: Heard) -> Iterator[tuple[str, Puzzle]]:
    """A call whose parameters came in two places, each as if it were the whole."""
    query, body = _places(heard)
    charset = look.fields.get("_input_charset") or look.fields.get("charset") or "GBK"
    for words, half in (
        (N_("Only what is in the body was signed: the parameters in the address belong to it."), body),
        (N_("Only what is in the address was signed: the parameters in the body belong to it."), query),
    ):
        if query and body:
            yield words, Puzzle(tuple(half), look.request.sign, look.request.sign_type, charset, encoded=True)


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


# --- notifications and pages ---------------------------------------------------------------------------------------


def _about_telling(look: Look) -> Iterator[Hint]:
    came = look.heard.answer if look.heard is not None else {}
    if lies := came.get("lies"):
        words = N_("It was forged on purpose ({lies}) and was believed: verify the signature, then number and amount.")
        yield Hint(words, {"lies": lies})
    elif look.response is None:
        host = urlsplit(look.heard.address).netloc if look.heard is not None else ""
        yield about_silence(came.get("trouble", ""), host)
    else:
        status = int(came.get("status") or 0)
        is_plus = look.service.startswith("notifyPayment") or look.service == "notifyRefund"
        yield from about_answer(status, look.response, came.get("where", ""), is_plus=is_plus)


def _about_page(look: Look, calls: Calls) -> list[Hint]:
    match look.failed:
        case "caller":
            given = look.fields.get("app_id", "")
            if not given:
                return [Hint(N_("{name} is missing."), {"name": "app_id"})]
            known = [one.app_id for one in calls.partners.all() if one.app_id]
            near = difflib.get_close_matches(given.strip(), known, 1, 0.75)
            found = [Hint(N_("Nobody here has the {name} {given}."), {"name": "app_id", "given": given[:60]})]
            return found + [Hint(N_("Is {near} meant?"), {"near": each}) for each in near]
        case "scope":
            words = N_("The scope is {given}: only auth_base is silent, and gives the user ID.")
            return [Hint(words, {"given": look.fields.get("scope", "")[:40] or "–"})]
        case "redirect" if "callback host" in look.why:
            words = N_("The host {given} is not the callback host that is configured for this application.")
            return [Hint(words, {"given": urlsplit(look.fields.get("redirect_uri", "")).netloc[:80]})]
        case "redirect":
            return [Hint(N_("redirect_uri must be a whole address that begins with http:// or https://."))]
        case "state":
            return [Hint(N_("state may hold ASCII letters only."))]
        case _:
            return []


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
        found.append(in_words(look.why, look.fields))
    return found


def _about_time(look: Look) -> list[Hint]:
    if look.family is Family.PLUS:
        return [in_words(look.why, look.fields)] if look.why else []
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


def _about_certificates(look: Look) -> list[Hint]:
    app, root = look.fields.get("app_cert_sn", ""), look.fields.get("alipay_root_cert_sn", "")
    right = look.why.rpartition(" ")[2]
    named = "alipay_root_cert_sn" if "root" in look.code else "app_cert_sn"
    given = root if named == "alipay_root_cert_sn" else app
    values = {"name": named, "given": given[:80], "right": right}
    if right and right == (app if named == "alipay_root_cert_sn" else root):
        return [Hint(N_("app_cert_sn and alipay_root_cert_sn have changed places."))]
    if given.lower() == right:
        return [Hint(N_("{name} is in capitals: the number is written in small letters."), values)]
    if right and right in given:
        words = N_("{name} counts too many certificates of the root file: only those signed with RSA belong to it.")
        return [Hint(words, values)]
    words = N_("{name} is {given}, but {right} here: MD5 over the issuer (CN first) and the decimal serial number.")
    return [Hint(words, values)]


def known_services(mapi: Mapping[str, object], openapi: tuple[str, ...]) -> tuple[str, ...]:
    """Every name that a call may ask for."""
    return (*mapi, *openapi, *plus.SERVICES)
