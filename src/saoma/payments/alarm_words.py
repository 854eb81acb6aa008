"""What the text of an alarm means, in words: the sentence of its code, what its number counts, whom it is about. Pure.

Texts are written once, with codes and ids, as whoever raised the alarm knew them; people read them through this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: Why a payment needs a person (`Payment.code`).
STUCK: Final[Mapping[str, str]] = {
    "late_money": "Money arrived after the payment had ended",
    "mismatched": "Alipay names another amount or trade than ours",
    "closed_unexplained": "Alipay closed a payment that was paid",
    "contradiction": "Alipay contradicts itself about this payment",
    "attempts_exhausted": "The cancel was repeated without a clear answer",
    "window_closed": "The day for cancelling this payment is over",
}
#: Any other code, which is then one of the provider's.
STUCK_OTHERWISE: Final = "Alipay refused to cancel this payment"

#: Why a message was refused.
WHY: Final[Mapping[str, str]] = {
    "signature": "The signature does not hold",
    "sign_type": "Another kind of signature than agreed",
    "account": "For another account",
    "malformed": "Can't be read",
    "order": "Nobody knows this order",
    "amount": "Another amount than the payment's",
    "trade": "Another trade than the payment's",
    "refund": "A refund that was not made here",
}

#: What is counted, of whom.
_COUNTED: Final[Mapping[str, str]] = {
    "gateway_trouble": "Failed calls within a minute: {count}, through {about}",
    "unknown_code": "The code is {about}",
    "never_notified": "Payments without a notification: {count}, through {about}",
    "refund_pending": "Refunds on their way: {count}, of {about}",
    "due_late": "Overdue: {count}, of {about}",
}
_COUNT: Final = re.compile(r"(?P<key>.+): (?P<count>\d+)")
_STUCK_TEXT: Final = re.compile(r"(?P<about>[^:]+: .+), (?P<code>[^ ,]+)")
_REFUSED_TEXT: Final = re.compile(r"(?P<about>.*): (?P<code>\w+)")
_ABOUT_STUCK: Final = frozenset({"payment_stuck", "late_money", "wrong_amount", "cancel_failed", "retries_exhausted"})
_ABOUT_REFUSED: Final = frozenset({"bad_signatures", "unknown_notice", "wrong_notice"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """A text in words: `sentence` is a key of the texts with its `values`, empty where the text speaks for itself.

    `beside` is what stands next to it for those who look things up: the order and the code, or the text as it is."""

    sentence: str
    beside: str
    values: Mapping[str, object] = field(default_factory=dict)


def meaning(rule: str, text: str, names: Mapping[str, str] | None = None) -> Meaning:
    """What the text of an alarm of this rule means; `names` has accounts, merchants and queues by their ids."""
    known = names or {}
    if rule in _ABOUT_STUCK and (found := _STUCK_TEXT.fullmatch(text)):
        return Meaning(STUCK.get(found["code"], STUCK_OTHERWISE), f"{found['about']} ({found['code']})")
    if rule in _ABOUT_REFUSED and (found := _REFUSED_TEXT.fullmatch(text)) and found["code"] in WHY:
        about = known.get(found["about"], found["about"])
        return Meaning(WHY[found["code"]], f"{about} ({found['code']})".strip())
    if rule in _COUNTED and (found := _COUNT.fullmatch(text)):
        key, count = found["key"], int(found["count"])
        return Meaning(_COUNTED[rule], key, {"count": count, "about": known.get(key, key)})
    return Meaning("", text)
