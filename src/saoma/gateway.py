"""What the payment core and any provider of payments say to each other: our words only, pure data.

A report states what one answer proves, nothing more: whatever proves nothing is `Unclear`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from saoma.kit.money import Money


class Method(StrEnum):
    """How a customer pays. The first four are Alipay's; the others are recorded by staff."""

    BARCODE = "barcode"
    WALLET_PAGE = "wallet_page"
    ORDER_CODE = "order_code"
    MERCHANT_CODE = "merchant_code"
    CASH = "cash"
    CARD_TERMINAL = "card_terminal"
    ACCOUNT = "account"


#: The one account that practice pays through. No money can move there: it leads to a sandbox, or nowhere.
PRACTICE_ACCOUNT: Final = "acc_practice"
#: How the ids of merchants begin who exist for practice only: each row that names its merchant tells so by itself.
PRACTICE_MERCHANT: Final = "mpr"


def is_practice(merchant_id: str) -> bool:
    """Whether what belongs to this merchant is practice: no money, no alarm, in nobody's books or figures."""
    return merchant_id.startswith(f"{PRACTICE_MERCHANT}_")


#: What staff take and write down themselves: no gateway knows of it, and it is final at once.
BY_STAFF: Final = frozenset({Method.CASH, Method.CARD_TERMINAL, Method.ACCOUNT})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a report comes from: the call, what it said, and whether its signature was checked and held.

    `signed` is None where an answer carries no signature at all (a gateway rejection)."""

    source: str
    code: str
    signed: bool | None
    raw: str


NO_EVIDENCE = Evidence(source="", code="", signed=None, raw="")


@dataclass(frozen=True, slots=True)
class SecondaryMerchant:
    """The shop as Alipay must be told of it: extend_info / extend_params (https://docs.antom.com/ac/global/spot_pay)."""

    id: str
    name: str
    industry: str
    store_id: str
    store_name: str
    terminal_id: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """One payment to open. `order_number` is ours on the wire and never changes for this payment.

    `payment_code` is what the buyer's wallet shows (barcode); `buyer_id` whom the page belongs to (wallet_page)."""

    order_number: str
    method: Method
    amount: Money
    subject: str
    created_at: datetime
    expires_at: datetime
    shop: SecondaryMerchant
    notify_url: str
    payment_code: str = ""
    buyer_id: str = ""


@dataclass(frozen=True, slots=True)
class Trade:
    """The provider's record as far as an answer told it. `amount` is None when the answer named none."""

    trade_number: str = ""
    amount: Money | None = None
    buyer_id: str = ""
    buyer_login: str = ""
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """Proof that the money was taken."""

    trade: Trade
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Declined:
    """Proof that the money was not taken and no trade is open under this number. `code` is the provider's word."""

    code: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class AwaitingBuyer:
    """A trade exists and waits for its buyer. `trade` carries the number a wallet page needs."""

    trade: Trade
    evidence: Evidence
    qr_code: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The trade is closed: unpaid, or its money was given back."""

    trade: Trade
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class NoTrade:
    """The provider knows no trade under this number. During a payment that may mean: not yet."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Unclear:
    """Proves nothing: ask again.

    `code` is the provider's word, or ours: `silence`, `bad_signature`, `unreadable`, `not_sent`, `no_code` (an order
    was placed, but there is no code to show for it, and there won't be one under this number)."""

    code: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The payment is undone for certain. `gave_back` tells whether money had been taken and was returned."""

    gave_back: bool
    trade: Trade
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """Cancelling won't work, however often it is repeated."""

    code: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Refunded:
    """Proof that this refund was carried out (once, however often it was sent)."""

    trade: Trade
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class RefundDeclined:
    """Proof that this refund was not carried out and won't be."""

    code: str
    evidence: Evidence


PayReport = Paid | Declined | AwaitingBuyer | Closed | Unclear
QueryReport = Paid | AwaitingBuyer | Closed | NoTrade | Unclear
CancelReport = Cancelled | CancelRefused | Unclear
RefundReport = Refunded | RefundDeclined | Unclear


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified message from the provider about one trade. `amount` is in the order's currency.

    `settles_refund` names our refund number when the notice is about a refund: done, or `refused` in the provider's
    word; `refund_amount` is how much, where the notice says it. `merchant_code` is our id of the printed code that was
    scanned, where the trade began with one."""

    notice_id: str
    order_number: str
    report: Paid | Closed | AwaitingBuyer
    sent_at: datetime | None = None
    settles_refund: str = ""
    refund_amount: Money | None = None
    refused: str = ""
    merchant_code: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadNotice:
    """A message that failed a check and must change nothing.

    `why` is one of `signature`, `account`, `sign_type`, `malformed`."""

    why: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Saying:
    """One code in words for people: a sentence for the cashier, one for the customer, each in two languages.

    `hand_over` answers the only question a cashier has: may goods leave the counter now? `short` is the cashier's
    sentence without that answer, for a screen that gives it in letters of its own."""

    cashier: Mapping[str, str]
    customer: Mapping[str, str]
    hand_over: bool = False
    short: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """One account at one provider. Calls never raise for what the provider or the network does: they report it.

    Every call may take seconds; hold no transaction and no row lock around one."""

    async def open(self, charge: Charge) -> PayReport:
        """Ask for the money (barcode), or create the trade that the wallet page pays."""

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        """Ask for the state of one trade; `amount` says in which currency its numbers are read."""

    async def cancel(self, order_number: str, trade_number: str, now: datetime) -> CancelReport:
        """Undo a payment of today, whatever its state; repeat until it is final."""

    async def refund(
        self, order_number: str, trade_number: str, refund_number: str, amount: Money, reason: str
    ) -> RefundReport:
        """Give money back; the same `refund_number` never gives back twice."""

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        """Verify a message the provider posted to us and read it. Pure: no network."""

    def say(self, code: str) -> Saying:
        """The sentences for one of this provider's codes, or for one of our words in `Unclear`. Never fails."""


class LineKind(StrEnum):
    """What one line of a provider's daily file is about. A settled refund is a refund whose `settled_at` is set."""

    PAYMENT = "payment"
    REFUND = "refund"
    #: The whole payment was undone; named by the provider's number, hardly ever by ours.
    CANCEL = "cancel"
    #: The same, named by our order number.
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a provider's daily file, in our words.

    Amounts are never negative, whatever sign the file gives them: the direction follows from `kind`. `amount` is what
    was asked (in the pricing currency); `gross`, `fee` and `net` are in the settlement currency, `net` is None in files
    that settle nothing. `row` is the line's number in the file, from 1, headers counted. `doubt` names what in the
    line does not fit the rest of it."""

    row: int
    kind: LineKind
    own_number: str
    trade_number: str
    amount: Money
    gross: Money
    fee: Money
    at: datetime
    net: Money | None = None
    settled_at: datetime | None = None
    rate: str = ""
    remark: str = ""
    merchant: str = ""
    doubt: str = ""


class StatementKind(StrEnum):
    """What a daily file is: what was paid and refunded on a day, or what was paid out on a day."""

    TRADES = "trades"
    SETTLEMENT = "settlement"


class Statement(Protocol):
    """A daily file being read: `lines` may be walked once, and only at its end is the file known to be whole.

    `total_count` and `day` are None, `partner` is empty, where the file does not state them."""

    name: str
    lines: Iterator[StatementLine]
    partner: str
    day: date | None
    total_count: int | None

    @property
    def kind(self) -> StatementKind:
        """What the file tells of."""

    @property
    def layout_name(self) -> str:
        """Which of its provider's layouts this is, for people."""


class StatementUnreadable(ValueError):
    """A daily file is not what it should be. The text names line and column; nothing of the file may be used."""


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """A code that hangs at a counter: customers scan it and type the amount in `currency` themselves.

    `id` is ours and comes back with every notice about a payment through it. `shop.store_id` is the counter's:
    a provider keeps one code per store id."""

    id: str
    shop: SecondaryMerchant
    currency: str
    notify_url: str
    country: str = ""
    place: str = ""


class CodeMove(StrEnum):
    """What may be done with a printed code. A deleted code is gone for good."""

    STOP = "stop"
    RESTART = "restart"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class CodeStands:
    """Proof that the code is as it was asked for. `address` is what to print as QR."""

    address: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """The provider won't do this with a code, however often it is asked."""

    code: str
    evidence: Evidence


CodeReport = CodeStands | CodeRefused | Unclear


@runtime_checkable
class MerchantCodes(Protocol):
    """What a gateway offers besides `Gateway` where its provider knows printed codes. All calls may be repeated."""

    async def create_code(self, code: PrintedCode) -> CodeReport:
        """Make the code; asked again, the same one comes back."""

    async def modify_code(self, address: str, code: PrintedCode) -> CodeReport:
        """Change what the code says of its counter."""

    async def move_code(self, address: str, move: CodeMove) -> CodeReport:
        """Stop it, let it work again, or delete it."""
