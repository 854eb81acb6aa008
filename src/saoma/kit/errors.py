"""The error tree, drawn once. The names say what we know about the money.

SaomaError
├── Refused            a sentence for a person; nothing was done
│   ├── Invalid        the input is wrong; says what to do
│   ├── NotFound       no such thing, or not yours to see
│   ├── NotAllowed     you may not
│   └── Conflict       someone was quicker, or the same key with other content
├── NotSent            nothing reached the other side: safe to send again
├── OutcomeUnknown     it may have happened: ask, never assume
└── IllegalTransition  a lifecycle was asked for a step outside its table: a fault of ours
"""

from __future__ import annotations

from typing import Final


class SaomaError(Exception):
    """Everything Saoma raises on purpose."""


class Refused(SaomaError):
    """Nothing was done, and the text says why in words for a person. `status` is the HTTP answer it becomes.

    Values that vary are given by name (`Refused("No more {dish}.", dish=name)`), so that `msgid` stays one text which
    can be looked up in another language."""

    status = 400

    def __init__(self, text: str = "", **values: object) -> None:
        super().__init__(text.format(**values) if values else text)
        self.msgid = text
        self.values = values


class Invalid(Refused):
    """The input is wrong; the text says what to do about it."""

    status = 422


#: What is not there and what is somebody else's are refused in the same words, so that nobody learns which it is.
NOTHING_HERE: Final = "There is nothing here, or it is not yours to see. Check the link, or scan the code again."


class NotFound(Refused):
    """No such thing, or it is not the asker's to see: the two look alike on purpose."""

    status = 404


class NotAllowed(Refused):
    """The asker is known and may not do this."""

    status = 403


class Conflict(Refused):
    """Someone was quicker, or the same idempotency key came with other content."""

    status = 409


class NotSent(SaomaError):
    """Nothing reached the other side (refused connection, name not found): sending again is safe."""


class OutcomeUnknown(SaomaError):
    """The request may have been carried out and no believable answer came back: ask, never assume."""


class IllegalTransition(SaomaError):
    """A lifecycle was asked for a step outside its table."""
