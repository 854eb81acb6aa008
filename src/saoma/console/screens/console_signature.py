"""The console's answer to "which key, sign type and charset made this signature?": paste a message, see what fits.

Nothing that is pasted is kept. Keys come from the accounts here, or are pasted beside the message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency

from saoma.alipay.key_texts import key_name, read_key
from saoma.alipay.puzzle import Candidate, Solution, read_puzzle, solve
from saoma.console.account_forms import typed
from saoma.console.scope import OPERATES, AnyRequest, shell
from saoma.identity.accounts import account_views
from saoma.identity.model import account
from saoma.kit.db import Database
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.web.page import page

#: What is odd about how a signature was made, in words for the one who programs it.
ODDITIES: Final = {
    "sign_type_kept": "sign_type was signed, too: leave it out.",
    "sign_type_left_out": "sign_type was left out: in the Open API it is signed.",
    "percent_encoded": "The values were signed percent-encoded: sign them raw, encode afterwards.",
    "unsorted": "The parameters were signed in the order they are sent: sort them by name.",
    "case_ignored": "The names were sorted without regard to capitals: sort by ASCII.",
    "empty_kept": "Parameters without a value were signed: leave them out.",
    "charset_left_out": "_input_charset was left out: it is signed, also when it stands in the address.",
    "quoted": "The values were signed in quotes: only in-app payments do that.",
    "plus_kept": "A plus sign stands for a blank in a form: decode before signing.",
    "blanks_cut": "Blanks at the ends of values were cut before signing: send what is signed.",
    "ampersand_after": "An & was signed after the last parameter.",
    "line_end": "A line end was signed after the last parameter.",
    "no_separator": "The parameters were signed without & between them.",
    "as_pasted": "The text was signed as it stands, not built by Alipay's rule.",
    "capitals": "The MD5 signature is in capitals: Alipay wants small letters.",
    "key_line_end": "A line end was taken for part of the key.",
    "key_blank": "A blank was taken for part of the key.",
    "key_named": "&key= stands before the key: append the key alone.",
    "key_apart": "An & stands before the key: append the key alone.",
    "md5_blank": "The key that is kept here holds a blank; the signature was made without.",
    "md5_invisible": "The key that is kept here holds invisible letters; the signature was made without.",
    "md5_quoted": "The key that is kept here stands in quotes; the signature was made without.",
    "other_charset": "The bytes were made in another charset than the message names.",
    "other_sign_type": "The message names another sign type than was used.",
    "sign_plus_lost": "The plus signs of the signature have become blanks: percent-encode it.",
    "sign_encoded": "The signature was percent-encoded once too often.",
    "sign_url_letters": "The signature is written in the letters for addresses: use plain base64.",
    "sign_wrapped": "The signature is broken into lines: write it on one.",
}
#: What the whole means.
VERDICTS: Final = {
    "right": "The signature holds, and is made as Alipay wants it.",
    "odd": "This key made the signature, but not as Alipay wants it.",
    "other_text": "This key made the signature, over another text than this one.",
    "no_key": "None of these keys made this signature.",
    "no_signature": "This is no signature: neither 32 hex digits (MD5) nor base64 (RSA, RSA2).",
}


async def _page(
    request: AnyRequest,
    *,
    solution: Solution | None = None,
    owners: Sequence[str] = (),
    message: str = "",
    sign: str = "",
    wrong: str = "",
) -> Response[Any]:
    return page(
        request,
        "console/console_signature.html",
        status_code=422 if wrong else 200,
        headers={"Cache-Control": "no-store"},
        **shell(request) | {"path": "/console/accounts"},
        solution=solution,
        owners=owners,
        message=message,
        sign=sign,
        wrong=wrong,
        verdicts=VERDICTS,
        oddities=ODDITIES,
    )


@get("/console/signature", guards=[OPERATES], summary="Whose signature is this")
async def show(request: AnyRequest) -> Response[Any]:
    """The form."""
    return await _page(request)


@post("/console/signature", guards=[OPERATES], summary="Find out whose signature it is")
async def find(request: AnyRequest, db: NamedDependency[Database], seal: NamedDependency[Seal]) -> Response[Any]:
    """Try every key of every account, and one that may be pasted."""
    try:
        said = typed(dict((await request.form()).items()))
    except Invalid as refusal:
        return await _page(request, wrong=refusal.msgid)
    message, sign = said["message"], said["sign"]
    if not message.strip():
        return await _page(request, wrong="Paste the message first.")
    keys = _Keys()
    keys.add("pasted", said["key"])
    async with db.reading() as rows:
        for view in await account_views(rows):
            if view.channel == "direct":
                held = await account(rows, seal, view.id)
                label = f"{view.name} ({view.partner})"
                keys.add(f"{label}, MD5", held.md5_key)
                keys.add(f"{label}, Saoma", read_key(held.private_key, "private").public_pem)
                keys.add(f"{label}, Alipay", held.alipay_public_key)
    solution = solve(read_puzzle(message, sign), keys.candidates())
    return await _page(request, solution=solution, owners=keys.owners(solution.key), message=message, sign=sign)


class _Keys:
    """Keys to try, each once; one that several accounts share, in whatever shape, bears the names of all of them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._owners: dict[str, list[str]] = {}

    def add(self, owner: str, text: str) -> None:
        """One more key and whose it is; an empty text is none."""
        if text.strip():
            same = key_name(text)
            self._texts.setdefault(same, text)
            self._owners.setdefault(same, []).append(owner)

    def candidates(self) -> list[Candidate]:
        """What to try; a candidate is named by what makes it the same key."""
        return [Candidate(same, text) for same, text in self._texts.items()]

    def owners(self, same: str) -> list[str]:
        """Everybody who has the key of a solution."""
        return self._owners.get(same, [])


router = Router(path="/", route_handlers=[show, find])
