"""What is shown of a call: its family, its checks with their names, both texts and signatures, and how it ended. Pure.

What a gateway's refusal says of the check that failed is in `calls`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from saoma.alipay.puzzle_words import N_
from saoma.sandbox.book.store import Heard


class Family(StrEnum):
    """By which door a call came; `TOLD` went out by the sandbox's own."""

    MAPI = "service="
    OPEN_API = "method="
    PLUS = "Alipay+"
    PAGE = "OAuth"
    TOLD = "notification"
    OTHER = "other"


class Outcome(StrEnum):
    """How a call ended: refused is the gateway's no, failed the operation's."""

    DONE = "done"
    OPEN = "open"
    FAILED = "failed"
    REFUSED = "refused"
    SILENT = "silent"


#: Each check with its name for people.
NAMES: Final[Mapping[str, str]] = {
    "charset": N_("Charset"),
    "readable": N_("Form and encoding"),
    "service": N_("Service"),
    "method": N_("HTTP method"),
    "media": N_("Content type"),
    "caller": N_("Caller"),
    "sign_type": N_("Sign type"),
    "key": N_("Key on file"),
    "signature": N_("Signature"),
    "contract": N_("Contract"),
    "time": N_("Time"),
    "parameters": N_("Parameters"),
    "certificate": N_("Certificates"),
    "format": N_("Version and format"),
    "content": N_("Business content"),
    "work": N_("What was asked for"),
    "scope": N_("Scope"),
    "redirect": N_("redirect_uri"),
    "state": N_("state"),
    "reached": N_("Address reached"),
    "status": N_("HTTP status"),
    "answer": N_("Answer"),
}
#: How a call ended, in a word.
ENDINGS: Final[Mapping[str, str]] = {
    "done": N_("done"), "open": N_("open"), "failed": N_("failed"), "refused": N_("refused"), "silent": N_("no answer"),
}  # fmt: skip
#: The checks of each family, in their order.
ORDER: Final[Mapping[Family, tuple[str, ...]]] = {
    Family.MAPI: (
        "charset", "readable", "service", "caller", "sign_type", "key", "signature", "contract", "time", "parameters",
        "work",
    ),
    Family.OPEN_API: (
        "readable", "service", "parameters", "caller", "sign_type", "certificate", "signature", "time", "format",
        "contract", "charset", "content", "work",
    ),
    Family.PLUS: (
        "service", "method", "media", "caller", "time", "key", "signature", "readable", "parameters", "work",
    ),
    Family.PAGE: ("caller", "scope", "redirect", "state", "work"),
    Family.TOLD: ("reached", "status", "answer"),
    Family.OTHER: ("work",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `mark` is passed, failed, open, or unreached."""

    name: str
    mark: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A text and the signature that came with it. `sign_type` is what the message says of itself."""

    text: str = ""
    sign: str = ""
    sign_type: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says: the code, whether the gateway or the operation says it, and how it is signed.

    `check` is the one at which it ended, where the code does not tell."""

    outcome: Outcome
    code: str
    signed: Signed = Signed()
    check: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A call as it is shown. `expected` is the signature that would have been right, where it can be told (MD5)."""

    id: int
    at: datetime
    family: Family
    service: str
    partner: str
    number: str
    outcome: Outcome
    code: str
    why: str
    checks: tuple[Check, ...]
    fields: Mapping[str, str]
    request: Signed
    answer: Signed
    response: str | None
    expected: str = ""
    outward: bool = False
    heard: Heard | None = field(default=None, repr=False)

    @property
    def failed(self) -> str:
        """The check that failed, if one did."""
        return next((check.name for check in self.checks if check.mark == "failed"), "")
