"""Events as lines of a log and as labels of a picture, in either language. Pure.

What Alipay and the integration said is shown as they said it; only what stands around it is translated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saoma.kit.i18n import Texts
from saoma.validator.timeline import Call, Event, Mark, Notice, Timeline, Told, Visit
from saoma.validator.verdict import Line, Verdict

#: What the validator does to Alipay's side, as marks say it.
PLANNED: Final = "planned: {service} meets {fault}, {times} times"
PAYS: Final = "the buyer pays in the wallet"
CANT_PAY: Final = "the buyer can't pay any more"
HELD: Final = "notifications are held back"
LET_GO: Final = "notifications are let go"
TYPES: Final = "the customer types {amount} and pays"
PLANTED: Final = "planted: another amount in the daily file"
#: Every word that lines and labels are made of, keys of the texts.
WORDS: Final = (
    PLANNED, PAYS, CANT_PAY, HELD, LET_GO, TYPES, PLANTED,
    "planned", "buyer pays", "can't pay", "held back", "let go", "types amount", "planted",
    "pay", "create", "precreate", "query", "cancel", "refund", "refund query", "shop code", "register",
    "registration query", "token", "authorize",
    "notification", "again", "older", "spoiled", "wrong amount", "nothing", "silence", "told",
    "signature spoiled", "opens", "done",
    "waiting", "paid", "closed", "needs_person", "asks",
)  # fmt: skip
_SHORT: Final = {
    PLANNED: "planned", PAYS: "buyer pays", CANT_PAY: "can't pay", HELD: "held back", LET_GO: "let go",
    TYPES: "types amount", PLANTED: "planted",
}  # fmt: skip


def line(event: Event, text: Texts) -> str:
    """One line of a log."""
    match event:
        case Call():
            return _call(event, text)
        case Notice():
            kind = f" ({_word(event.kind, text)})" if event.kind != "first" else ""
            answer = event.answer[:60] or _word("nothing", text)
            return f"{_word('notification', text)}{kind} {event.number} {event.said} -> {answer}"
        case Told():
            return _told(event, text)
        case Visit():
            way = " -> ".join(step.partition("?")[0] for step in event.steps)
            return f"{event.agent} {_word('opens', text)} {way} -> {event.status}"
        case Mark():
            values = dict(event.values)
            if "service" in values:
                values["service"] = _word(values["service"], text)
            return text(event.words, **values)


def label(event: Event, text: Texts) -> str:
    """A word or two for a picture."""
    match event:
        case Call():
            return _word(event.kind, text)
        case Notice():
            said = event.said.removeprefix("TRADE_").lower() or "told"
            return _word(event.kind if event.kind != "first" else said, text)
        case Told():
            return _word(event.status or event.hook, text)
        case Visit():
            return event.agent
        case Mark():
            return _word(_SHORT.get(event.words, event.words), text)


def lines_of(timeline: Timeline, verdict: Verdict, text: Texts) -> Iterator[Line]:
    """The log of a verdict in another language."""
    for event, known in zip(timeline.events, verdict.lines, strict=False):
        yield Line(known.after, line(event, text), known.wrong)


def _call(call: Call, text: Texts) -> str:
    result = _word("silence", text) if call.result == "silence" else call.result
    words = [result, call.status, call.fields.get("action", ""), call.code if call.code != call.result else ""]
    said = " ".join(word for word in words if word)
    forged = f" ({_word('signature spoiled', text)})" if not call.is_believable else ""
    # why a signature fails is a text of many hundred letters: the call page is the place to read it
    refused = f" ({call.why})" if call.why and not call.planned and not call.is_turned_away else ""
    about = call.number or call.asked.get("code", "")[:12]
    return f"{_word(call.kind, text)} {about} -> {said}{forged}{refused}".replace("  ", " ")


def _told(told: Told, text: Texts) -> str:
    said = ", ".join(
        name if value is True else f"{name} {value}" if name != "status" else _word(str(value), text)
        for name, value in told.answered.items()
        if value and name != "order"
    )
    return f"/{told.hook} {told.number} -> {(told.problem or said or _word('done', text))[:160]}".replace("  ", " ")


def _word(word: str, text: Texts) -> str:
    return text(word) if word in WORDS else word
