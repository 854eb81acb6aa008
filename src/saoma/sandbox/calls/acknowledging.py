"""What a partner answered to a notification, and what was wrong with it, in words for the one who programs it. Pure.

XML gateway and Open API want the seven letters `success` and nothing else; Alipay+ wants JSON with `resultStatus` S.
https://docs.antom.com/ac/web/async, https://docs.antom.com/ac/ams/paymentrn_online"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from saoma.alipay.puzzle_words import N_
from saoma.sandbox.calls.hint import Hint

_WORD: Final = "success"
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_TAG: Final = re.compile(r"<[a-zA-Z!?/][^>]*>")


def about_answer(status: int, said: str, where: str, *, is_plus: bool) -> Iterator[Hint]:
    """Why an answer does not acknowledge; `where` is the address that a redirect names."""
    if status != 200:
        yield from _about_status(status, where)
        return
    yield from _about_json(said) if is_plus else _about_word(said)


def about_silence(trouble: str, host: str) -> Hint:
    """Why nothing came back; `trouble` is the kind of what the connection said, and its words."""
    kind, _, why = trouble.partition(" ")
    values = {"host": host, "why": why}
    if "Timeout" in kind:
        return Hint(N_("No answer within 15 seconds: say success first, do the work afterwards."))
    if "SSL" in kind or "Certificate" in kind:
        return Hint(N_("The TLS of {host} can't be trusted: {why}"), values)
    if "DNS" in kind:
        return Hint(N_("The name {host} leads nowhere: notify_url must be reachable from here."), values)
    if "Disconnected" in kind or "Payload" in kind or "ClientOSError" in kind or "ResponseError" in kind:
        return Hint(N_("{host} took the notification and hung up without an answer."), values)
    if "Url" in kind or "URL" in kind or "ValueError" in kind:
        return Hint(N_("notify_url is no address that can be called."))
    return Hint(N_("Nobody answers at {host}: is your server running, and on this port?"), values)


def _about_status(status: int, where: str) -> Iterator[Hint]:
    values = {"status": str(status), "where": where[:120] or "–"}
    if status in _REDIRECTS:
        words = N_("Status {status} sends on to {where}: redirects are not followed, name the final address.")
        yield Hint(words, values)
    elif status in (401, 403, 419):
        words = N_("Status {status}: Alipay can't sign in and has no CSRF token. Let this address pass without either.")
        yield Hint(words, values)
    elif status in (404, 405):
        words = N_("Status {status}: is this the address of notify_url, and does it take POST?")
        yield Hint(words, values)
    elif status == 415 or status == 422:
        yield Hint(N_("Status {status}: read the body as a form (application/x-www-form-urlencoded)."), values)
    elif status >= 500:
        yield Hint(N_("Status {status}: your program stumbled over it. Its own log says why."), values)
    else:
        yield Hint(N_("Status {status}: an acknowledgement comes with 200."), values)


def _about_word(said: str) -> Iterator[Hint]:
    bare = said.strip().strip("\ufeff").strip()
    small = bare.lower()
    if not said:
        yield Hint(N_("The answer is empty: it must be the word success."))
    elif small in ("fail", "failure", "false", "error"):
        words = N_("Your program says {said}: it did not believe the notification or could not take it in.")
        yield Hint(words, {"said": bare})
    elif "\ufeff" in said and bare == _WORD:
        yield Hint(N_("There is a byte order mark before success: save the file that answers without BOM."))
    elif small == _WORD and said != said.strip():
        yield Hint(N_("There are blanks or line ends around success: send the seven letters and nothing else."))
    elif small == _WORD:
        yield Hint(N_("Write success in small letters."))
    elif small.strip("\"'`") == _WORD:
        yield Hint(N_("success stands in quotes: send plain text, not JSON."))
    elif _TAG.search(bare):
        words = N_("The answer is a page (HTML){holds}: send the word success as plain text, without a template.")
        yield Hint(words, {"holds": " …success…" if _WORD in small else ""})
    elif bare[:1] in ("{", "["):
        yield Hint(N_("The answer is JSON: send the word success as plain text."))
    elif small in ("ok", "200", "true", "succeed", "successful", "done", "received"):
        yield Hint(N_("The answer is {said}: only the word success counts."), {"said": bare})
    elif _WORD in small:
        yield Hint(N_("There is more than success in the answer: send the seven letters and nothing else."))
    else:
        yield Hint(N_("The answer is {said}: only the word success counts."), {"said": bare[:60]})


def _about_json(said: str) -> Iterator[Hint]:
    if said.strip().lower() == _WORD:
        yield Hint(N_("Alipay+ does not take the word success: it wants JSON with result.resultStatus S."))
        return
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        yield Hint(N_("The answer is no JSON: Alipay+ wants an object with result.resultStatus S."))
        return
    result = found.get("result") if isinstance(found, Mapping) else None
    if not isinstance(result, Mapping):
        yield Hint(N_("The answer has no result: Alipay+ wants an object with result.resultStatus S."))
        return
    status = str(result.get("resultStatus", "–"))
    yield Hint(N_("resultStatus is {said}: only S acknowledges."), {"said": status[:40]})
