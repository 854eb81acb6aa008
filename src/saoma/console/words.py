"""The console's words for states, doors, kinds and moves: keys of the texts, with what a move brings about.

Every word here has its Chinese in zh.po; a code of the provider's is never shown without one of these beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from saoma.payments import alarm_words
from saoma.payments.cases import CaseStatus, Kind, Move
from saoma.payments.happenings import Door
from saoma.payments.lifecycle import RefundStatus, Status

STATUS: Final[Mapping[str, tuple[str, str]]] = {
    Status.CREATED.value: ("Not sent yet", "waiting"),
    Status.PENDING.value: ("Being followed", "waiting"),
    Status.SUCCEEDED.value: ("Paid", "paid"),
    Status.FAILED.value: ("Refused", "failed"),
    Status.CANCELLING.value: ("Being cancelled", "waiting"),
    Status.CANCELLED.value: ("Cancelled", "plain"),
    Status.NEEDS_ATTENTION.value: ("Needs a person", "failed"),
}

REFUND_STATUS: Final[Mapping[str, tuple[str, str]]] = {
    RefundStatus.REQUESTED.value: ("Waits for a second person", "waiting"),
    RefundStatus.PENDING.value: ("On its way", "waiting"),
    RefundStatus.SUCCEEDED.value: ("Given back", "paid"),
    RefundStatus.FAILED.value: ("Not given back", "failed"),
    RefundStatus.NEEDS_ATTENTION.value: ("Needs a person", "failed"),
}

CASE_STATUS: Final[Mapping[str, tuple[str, str]]] = {
    CaseStatus.OPEN.value: ("Open", "waiting"),
    CaseStatus.PROPOSED.value: ("Waits for a second person", "waiting"),
    CaseStatus.CLOSED.value: ("Closed", "plain"),
}

METHOD: Final[Mapping[str, str]] = {
    "barcode": "Payment code",
    "wallet_page": "Page in the wallet",
    "order_code": "Code of an order",
    "merchant_code": "Printed code",
    "cash": "Cash",
    "card_terminal": "Card terminal",
    "account": "On account",
}

DOOR: Final[Mapping[str, str]] = {
    Door.START.value: "We sent",
    Door.ANSWER.value: "Alipay answered",
    Door.QUERY.value: "We asked, Alipay answered",
    Door.NOTICE.value: "Alipay told us by itself",
    Door.CLOCK.value: "Time ran out",
    Door.PERSON.value: "A person",
    Door.RULING.value: "A ruling",
}

KIND: Final[Mapping[str, str]] = {
    Kind.PAYMENT_STUCK.value: "Payment stuck",
    Kind.LATE_MONEY.value: "Late money",
    Kind.REFUND_STUCK.value: "Refund stuck",
    Kind.WRONG_AMOUNT.value: "Wrong amount",
    Kind.BAD_SIGNATURE_BURST.value: "Forged messages",
    Kind.UNMATCHED_NOTICE.value: "Unmatched message",
    Kind.ONLY_THEIRS.value: "Only in Alipay's file",
    Kind.ONLY_OURS.value: "Only in our books",
    Kind.AMOUNT_DIFFERS.value: "Amount differs",
    Kind.STATUS_DIFFERS.value: "Outcome differs",
    Kind.FEE_DIFFERS.value: "Fee differs",
    Kind.SETTLED_TWICE.value: "Settled twice",
    Kind.NEVER_SETTLED.value: "Never settled",
    Kind.UNMATCHED_MERCHANT_CODE.value: "Payment without an order",
    Kind.SURPLUS.value: "Surplus",
    Kind.CANNOT_BE_MADE.value: "Order can't be made",
    Kind.NOT_DELIVERED.value: "Order came back",
}

RUN_STATUS: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": ("Waits for its files", "waiting"),
    "loading": ("Being read", "waiting"),
    "matching": ("Being compared", "waiting"),
    "done": ("Compared", "paid"),
    "nothing": ("No trade that day", "plain"),
    "failed": ("Failed", "failed"),
}

#: The button's words, and what pressing it brings about.
MOVE: Final[Mapping[str, tuple[str, str]]] = {
    Move.PAID.value: (
        "It was paid",
        "Books the sale and marks the bill as paid. Nothing is sent to Alipay.",
    ),
    Move.UNPAID.value: (
        "It was not paid",
        "Takes the sale out of the books if it is there and sets the bill free to be paid again. Nothing is sent.",
    ),
    Move.REFUND.value: (
        "Give the money back",
        "Books the payment and asks Alipay for a full refund at once. The bill is free to be paid again.",
    ),
    Move.REFUNDED.value: (
        "The money went back",
        "Books the refund as carried out. Nothing is sent to Alipay.",
    ),
    Move.NOT_REFUNDED.value: (
        "The money did not go back",
        "Ends the refund without booking it; the amount can be refunded anew. Nothing is sent.",
    ),
    Move.GIVE_BACK.value: (
        "Give the surplus back",
        "Asks Alipay to give back exactly the money at risk. The rest of the payment stays, and the bill with it.",
    ),
    Move.EXPLAINED.value: (
        "Explained",
        "Closes the case with your reason. The books stay as they are.",
    ),
    Move.DEALT_WITH.value: (
        "Dealt with elsewhere",
        "Closes the case with your reason, for example after Alipay has answered. The books stay as they are.",
    ),
    Move.NOT_OURS.value: (
        "Not ours",
        "Closes the case: this has nothing to do with this deployment.",
    ),
}

STEP: Final[Mapping[str, str]] = {
    "opened": "Opened by Saoma",
    "ruled": "Ruled",
    "proposed": "Proposed, waits for a second person",
    "confirmed": "Confirmed by a second person",
    "withdrawn": "Sent back",
    "resolved": "Settled with what it was about",
}

#: Why a message was refused.
WHY: Final = alarm_words.WHY

#: What a case's details are called; those that people don't read are left out and stand in a fold.
DETAIL: Final[Mapping[str, str]] = {
    "action": "What to do about it",
    "day": "Day of the file",
    "own_number": "Our number",
    "order_number": "Order number",
    "refund_number": "Refund number",
    "trade_number": "Alipay's trade number",
    "file": "File",
    "line": "Line of the file",
    "theirs": "Alipay says",
    "ours": "We say",
}

#: What people did with a payment, as the audit trail has it.
TRAIL: Final[Mapping[str, str]] = {
    "asked_again": "Asked Alipay again",
    "asked_refund": "Asked for a refund",
    "cancelled_payment": "Cancelled the payment",
    "gave_up": "Stopped waiting at the till",
    "ruled": "Ruled",
    "sent_back": "Sent a proposal back",
    "replayed_notice": "Checked a message again",
}

QUEUE: Final[Mapping[str, str]] = {
    "payments": "Payments to look at",
    "refunds": "Refunds to repeat",
    "sittings": "Tables to close",
    "counter_orders": "Forgotten counter orders to give up",
    "online_orders": "Orders ahead to begin or to end",
    "alarms": "Alarms to ring",
    "alarm_deliveries": "Alarm messages to send",
    "chores": "Watch and audit",
    "recon_runs": "Daily files to fetch and compare",
    "webhook_deliveries": "Webhooks to send",
    "store_registrations": "Registrations at Alipay to follow",
}

#: What is done again and again, by the name of its row.
CHORES: Final[Mapping[str, str]] = {
    "watch": "Watch, every minute",
    "audit": "Audit, every night",
    "lines": "Old lines of daily files cleared, every night",
    "practice": "What practice left behind cleared, every night",
}

_CHOICES: Final[Mapping[str, Mapping[str, str | tuple[str, str]]]] = {
    "STATUS": STATUS,
    "REFUND_STATUS": REFUND_STATUS,
    "METHOD": METHOD,
    "KIND": KIND,
}


def choices(name: str, text: Callable[[str], str]) -> list[tuple[str, str]]:
    """A table of words as what a filter offers, anything first; `text` looks a word up for the reader."""
    found = [(key, text(word if isinstance(word, str) else word[0])) for key, word in _CHOICES[name].items()]
    return [("", text("Any")), *found]
