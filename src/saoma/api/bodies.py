"""What programs send and are sent: the bodies of the partner API, from which its OpenAPI document is printed.

A body with a field that is not here is refused; an answer may gain fields, so receivers must pass over unknown ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from saoma.identity.api_keys import Scope
from saoma.identity.model import KIND_NAMES
from saoma.notifications.outbox import EventKind
from saoma.payments.lifecycle import RefundStatus, Status

_PLAIN = r"^[^\u0000-\u001f\u007f]*$"
Line = Annotated[str, Meta(max_length=128, pattern=_PLAIN)]
Said = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$")]
Amount = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$",
        description='Decimal text in major units, such as "12.50": never a JSON number, which may lose a cent.',
        examples=["12.50"],
    ),
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as USD.", examples=["USD"])]
Method = Literal["barcode", "wallet_page", "order_code"]
Policy = Literal["barcode", "fast_food", "ticket"]
Kind = Literal["till", "kitchen", "tablet", "kiosk", "gate"]
assert set(KIND_NAMES) == set(Kind.__args__)  # type: ignore[attr-defined]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any body that a program sends."""


class NewPayment(Wish, frozen=True, kw_only=True):
    """Take money. `payment_code` is what the till scanned (barcode); `buyer_id` who opened your page (wallet_page)."""

    method: Annotated[Method, Meta(description="How the customer pays.")]
    amount: Amount
    currency: Currency
    subject: Annotated[Said, Meta(description="What is being paid; the customer reads it in the wallet.")]
    payment_code: Annotated[str, Meta(max_length=64, pattern=_PLAIN, description="The scanned code, for barcode.")] = ""
    buyer_id: Annotated[str, Meta(max_length=64, pattern=r"^[0-9]*$", description="For wallet_page.")] = ""
    store: Annotated[Line, Meta(description="A store's id; may be left out where the key has one store.")] = ""
    terminal: Annotated[Line, Meta(description="The id of a device of this store.")] = ""
    policy: Annotated[
        Policy, Meta(description="How a barcode payment is followed: which published rhythm of questions applies.")
    ] = "barcode"
    reference: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=_PLAIN,
            description="Your own order number. One that is paid or being paid in this store is refused.",
        ),
    ] = ""


class Withdrawal(Wish, frozen=True, kw_only=True):
    """Make sure that nothing with this reference begins any more, though a request for it may still be on its way."""

    reference: Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN)]
    store: Line = ""


class NewAuthorization(Wish, frozen=True, kw_only=True):
    """Learn whose a phone is, through our application at Alipay. `return_url` gets `state` and `auth_code` added."""

    return_url: Annotated[
        str,
        Meta(min_length=8, max_length=500, pattern=_PLAIN),
        Meta(description="Where the phone goes afterwards: a full address without query."),
    ]
    state: Annotated[
        str,
        Meta(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9._~-]+$"),
        Meta(description="Yours, unpredictable and bound to the session; it comes back unchanged."),
    ]
    store: Line = ""


class NewExchange(Wish, frozen=True, kw_only=True):
    """Exchange the `auth_code` that came back for the buyer's id, from server to server."""

    code: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class NewRefund(Wish, frozen=True, kw_only=True):
    """Give money back, all or part of it, in the payment's currency."""

    amount: Amount
    reason: Annotated[Line, Meta(description="Why; kept with the refund.")] = ""


class NewMerchant(Wish, frozen=True, kw_only=True):
    """Add a merchant to the account of a partner key."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$")]
    currency: Currency
    industry: Annotated[
        str, Meta(pattern=r"^[0-9]{4}$", description="A merchant category code, such as 5812.", examples=["5812"])
    ]
    name_zh: Line = ""
    secondary_id: Annotated[
        str,
        Meta(max_length=64, pattern=r"^[A-Za-z0-9_]*$", description="Its id at Alipay; our own where left out."),
    ] = ""


class NewKey(Wish, frozen=True, kw_only=True):
    """Make a key for one merchant, for some of its stores or, without any, for all."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN, description="What uses it.")]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=20)]
    stores: Annotated[list[Line], Meta(max_length=100)] = []


class NewStore(Wish, frozen=True, kw_only=True):
    """Open a store."""

    name: Said
    zone: Annotated[Line, Meta(description="An IANA time zone.", examples=["Asia/Singapore"])]
    name_zh: Line = ""
    address: Line = ""
    address_zh: Line = ""


class NewTerminal(Wish, frozen=True, kw_only=True):
    """Add a device to a store."""

    store: Line
    name: Said
    kind: Kind = "till"


class NewWebhook(Wish, frozen=True, kw_only=True):
    """Subscribe an address of yours to events."""

    url: Annotated[str, Meta(max_length=500, description="A public http(s) address.")]
    events: Annotated[list[EventKind], Meta(min_length=1, max_length=20)]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence for each person, in the language that was asked for. Show them as they are."""

    cashier: str
    customer: str


class PaymentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as it stands. Hand over goods when `status` is `succeeded`, and never before."""

    id: str
    status: Status
    amount: Amount
    currency: Currency
    method: str
    trade_no: Annotated[str, Meta(description="Alipay's number, once there is one; a wallet page pays it.")]
    out_trade_no: Annotated[str, Meta(description="Our number at Alipay.")]
    refunded: Annotated[Amount, Meta(description="What has been given back so far.")]
    message: Message
    created_at: datetime
    paid_at: datetime | None
    subject: str
    store: str
    terminal: str
    reference: str
    qr_code: Annotated[str, Meta(description="What the customer scans, for order_code.")]
    code: Annotated[str, Meta(description="The last word about it, Alipay's or ours; `message` says it in sentences.")]
    gave_back: Annotated[bool, Meta(description="Whether a cancelled payment had taken money, which was returned.")]


class WithdrawalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """No payment has this reference, and none will."""

    reference: str
    store: str


class AuthorizationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Send the phone's browser to `url`."""

    return_url: str
    state: str
    url: str
    expires_at: datetime


class BuyerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is: the `buyer_id` of a `wallet_page` payment. Empty where Alipay gave an id that payments can't use."""

    buyer_id: str


class RefundAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as it stands. Money went back when `status` is `succeeded`."""

    id: str
    payment: str
    status: RefundStatus
    amount: Amount
    currency: Currency
    reason: str
    message: Message
    created_at: datetime
    final_at: datetime | None


class RefundNews(RefundAnswer, frozen=True, kw_only=True):
    """A refund as a webhook tells of it, for whoever keeps neither its id nor the payment's.

    `key` is the Idempotency-Key it was asked for with, empty for one that was not asked for through the API."""

    key: str
    payment_reference: str
    store: str


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a day. A `cancel` undid the whole payment; `reference` is the payment's, `key` the refund's."""

    id: str
    kind: Literal["payment", "refund", "cancel"]
    at: datetime
    amount: Amount
    currency: Currency
    payment: str
    reference: str
    key: Annotated[str, Meta(description="The Idempotency-Key of a refund; empty for one that was not asked for here.")]
    trade_no: str
    method: str
    store: str


class MerchantAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who sells."""

    id: str
    name: str
    name_zh: str
    currency: Currency
    industry: str


class KeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A key. `secret` is told by the answer that made it, and never again: make another where it was lost."""

    id: str
    merchant: str
    name: str
    hint: Annotated[str, Meta(description="How the secret begins.")]
    scopes: list[Scope]
    stores: list[str]
    created_at: datetime
    secret: str | None


class StoreAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One place of the merchant."""

    id: str
    merchant: str
    name: str
    name_zh: str
    zone: str
    address: str
    address_zh: str


class TerminalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a store."""

    id: str
    store: str
    name: str
    kind: str
    paired: bool


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. `secret` is told by the answer that made it, and never again."""

    id: str
    url: str
    events: list[EventKind]
    stores: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str
    secret: str | None = None


class AttemptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver: `delivered`, `refused` (no 2xx), `silent`, `unreachable` or `forbidden`."""

    at: datetime
    outcome: str
    http_status: int | None
    milliseconds: int
    answer: str


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook. `next_attempt_at` is set while it is `pending`."""

    id: str
    event: str
    type: EventKind
    subject: str
    status: Literal["pending", "delivered", "failed"]
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    attempts: list[AttemptAnswer]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of things, newest first. Ask again with `next_cursor` for older ones; it is null on the last page."""

    items: list[msgspec.Raw]
    next_cursor: str | None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457). `message` is for the people at the counter, `detail` and `errors` are for you."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    message: Message
    messages: dict[str, Message]
    docs: str
    request_id: str
    errors: list[dict[str, str]] | msgspec.UnsetType = msgspec.UNSET
