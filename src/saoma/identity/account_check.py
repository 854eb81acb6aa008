"""Trying an account: one harmless question that proves, or disproves, keys, sign type, charset, address and clock.

An order that can't exist is asked for; that nobody knows it, said with a signature that holds, is the good answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saoma.gateway import Gateway, NoTrade, Unclear
from saoma.kit.ids import new_id
from saoma.kit.money import Money


def N_(text: str) -> str:
    """Mark a text for the catalogs."""
    return text


#: What a gateway's refusal of a well-formed question says about our side.
REFUSALS: Final[Mapping[str, str]] = {
    "ILLEGAL_SIGN": N_("The signature does not verify: our key, the key uploaded at Alipay, or the charset differ."),
    "ILLEGAL_PARTNER": N_("Alipay does not know this PID here: is it the other environment's?"),
    "ILLEGAL_SECURITY_PROFILE": N_(
        "No key of this sign type is set up at Alipay: upload it, or use another sign type."
    ),
    "ILLEGAL_SIGN_TYPE": N_("This sign type is not accepted."),
    "EXTERFACE_INVOKE_CONTEXT_EXPIRED": N_("This machine's clock is wrong: synchronise it."),
    "ILLEGAL_CHARSET": N_("This charset is not accepted."),
    "not_sent": N_("Nothing answers at the gateway's address: check it, and the firewall."),
    "silence": N_("The gateway did not answer in time."),
    "bad_signature": N_(
        "The answer is not signed with the key we hold: take Alipay's public key again from the portal."
    ),
    "unreadable": N_("What answers there is not Alipay's gateway."),
}
WELL: Final = N_("Signed, answered, verified.")
_ODD: Final = N_("An unexpected answer came.")


@dataclass(frozen=True, slots=True)
class Tried:
    """Whether the account works, the sentence for people (a key of the texts), and the word behind it."""

    well: bool
    sentence: str
    code: str = ""


async def try_account(gateway: Gateway, currency: str) -> Tried:
    """Ask one question through `gateway`; changes nothing anywhere."""
    report = await gateway.query(f"DOCTOR{new_id('x')[-20:].upper()}", Money.zero(currency))
    match report:
        case NoTrade():
            return Tried(True, WELL)
        case Unclear(code=code):
            word = report.evidence.code if report.evidence.code in REFUSALS else code
            return Tried(False, REFUSALS.get(word, _ODD), word)
        case _:
            return Tried(False, _ODD, type(report).__name__)
