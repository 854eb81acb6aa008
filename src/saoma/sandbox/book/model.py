"""The records of the sandbox's book: what a local Alipay remembers about trades, refunds, buyers, codes and partners.

Amounts come in pairs: what was asked (in the pricing currency) and what the buyer is debited, always in CNY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from saoma.kit.money import Money
from saoma.sandbox.book.limits import BuyerTerms, MerchantLimits, fen

CNY: Final = "CNY"


class TradeStatus(StrEnum):
    """The states of https://docs.antom.com/ac/gr/trade_status; `ORDERED` is ours and never travels.

    An ordered trade is a precreated code nobody scanned yet: to the outside it does not exist."""

    ORDERED = "ORDERED"
    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_CLOSED = "TRADE_CLOSED"
    TRADE_FINISHED = "TRADE_FINISHED"


class Product(StrEnum):
    """By which service a trade came into being."""

    BARCODE = "barcode"
    WALLET_PAGE = "wallet_page"
    ORDER_CODE = "order_code"
    STATIC_CODE = "static_code"
    AGREEMENT = "agreement"
    WEB = "web"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Order:
    """What a partner asks for when it opens a trade. `amount` is in the pricing currency, `currency` settles it."""

    partner: str
    number: str
    product: Product
    subject: str
    amount: Money
    currency: str
    notify_url: str = ""
    charset: str = "UTF-8"
    sign_type: str = "MD5"
    pass_back: str = ""
    body: str = ""
    price: str = ""
    quantity: str = ""
    merchant: str = ""
    store: str = ""
    merchant_id: str = ""
    industry: str = ""
    channel_fee: int = 0
    expires_at: datetime | None = None
    code_expires_at: datetime | None = None
    api: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class Trade(msgspec.Struct, omit_defaults=True):
    """One trade. `trade_no` is empty while Alipay has no trade of this number (only a code, or only a cancel).

    `api` says by which gateway it was asked for, and so in which form its partner is told of it: empty is `service=`,
    `openapi` is `method=`, `plus` is Alipay+. `extra` is what that gateway must remember to answer. `cny` and the
    `refunded` sums are minor units; `rate` is CNY per unit of the pricing currency, 8 decimals."""

    partner: str
    out_trade_no: str
    product: Product
    subject: str
    amount: int
    trans_currency: str
    currency: str
    rate: str
    cny: int
    settle_rate: str
    settle_amount: int
    status: TradeStatus
    created_at: datetime
    trade_no: str = ""
    buyer_id: str = ""
    code: str = ""
    qr_token: str = ""
    expires_at: datetime | None = None
    code_expires_at: datetime | None = None
    pays_at: datetime | None = None
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: str = ""
    refunded: int = 0
    refunded_cny: int = 0
    notify_url: str = ""
    charset: str = "UTF-8"
    sign_type: str = "MD5"
    pass_back: str = ""
    body: str = ""
    price: str = ""
    quantity: str = ""
    merchant: str = ""
    store: str = ""
    merchant_id: str = ""
    #: The merchant's category (MCC), as it was sent; empty where nothing was.
    industry: str = ""
    #: Commission of a printed code, in minor units of the settlement currency.
    channel_fee: int = 0
    #: CNY per unit of the settlement currency when the trade was made.
    settle_cny: str = ""
    api: str = ""
    extra: dict[str, str] = {}

    @property
    def money(self) -> Money:
        """What was asked, in the pricing currency."""
        return Money(self.amount, self.trans_currency)

    @property
    def cny_money(self) -> Money:
        """What the buyer pays for it."""
        return Money(self.cny, CNY)

    @property
    def refunded_money(self) -> Money:
        """What was given back so far, or is promised to be, in the pricing currency."""
        return Money(self.refunded, self.trans_currency)

    @property
    def is_waiting(self) -> bool:
        """Whether a buyer could pay it now."""
        return self.status is TradeStatus.WAIT_BUYER_PAY

    @property
    def is_undone(self) -> bool:
        """Whether a cancel or a reverse ended it, paid before or not."""
        return self.close_reason in ("cancelled", "reversed")


class Refund(msgspec.Struct, omit_defaults=True):
    """One refund of one trade, in the trade's pricing currency. `state` is PROCESSING, SUCCESS or FAILED.

    `refund_no` is unique for a partner; `request_no` is the partner's own where that is unique for a trade only."""

    partner: str
    out_trade_no: str
    refund_no: str
    amount: int
    cny: int
    state: str
    created_at: datetime
    reason: str = ""
    notify_url: str = ""
    due_at: datetime | None = None
    done_at: datetime | None = None
    request_no: str = ""
    error: str = ""

    @property
    def own_no(self) -> str:
        """The number its partner gave it."""
        return self.request_no or self.refund_no


class Buyer(msgspec.Struct, omit_defaults=True):
    """A test buyer with a toy wallet. `id` is a name for people and host names, `user_id` the 2088 number on the wire.

    `balance` is in fen (CNY minor units)."""

    id: str
    name: str
    user_id: str
    balance: int
    pin_required: bool = False
    pin: str = "123456"
    #: Whether the wallet is AlipayHK's. Its money is counted in CNY here all the same.
    hk: bool = False
    terms: BuyerTerms = BuyerTerms()
    #: Wrong PINs in a row, and until when too many of them lock it.
    wrong_pins: int = 0
    pin_locked_until: datetime | None = None
    #: How long the payment codes of this wallet are.
    code_digits: int = 18

    @property
    def balance_money(self) -> Money:
        """What the wallet holds."""
        return Money(self.balance, CNY)

    @property
    def login(self) -> str:
        """The masked login that merchants are shown."""
        return f"852-****{self.user_id[-4:]}" if self.hk else f"{self.id[:3]}***@example.com"

    @property
    def payment_inst(self) -> str:
        """The wallet, as Hong Kong's answers name it."""
        return "ALIPAYHK" if self.hk else "ALIPAYCN"


class PaymentCode(msgspec.Struct, omit_defaults=True):
    """What a wallet shows at the till: 16 to 24 digits, one payment, one minute."""

    code: str
    buyer_id: str
    expires_at: datetime
    used_for: str = ""


class StaticCode(msgspec.Struct, omit_defaults=True):
    """A printed merchant code ("entry code"): the buyer types the amount in `trans_currency`.

    `status` is ACTIVE, STOP or DELETE."""

    token: str
    partner: str
    qrcode: str
    store_key: str
    with_fee: bool
    trans_currency: str
    currency: str
    merchant: str
    store: str
    biz_data: str
    created_at: datetime
    merchant_id: str = ""
    industry: str = ""
    #: `type` and `value` of the commission; empty without one.
    channel_fee: dict[str, str] = {}
    status: str = "ACTIVE"
    notify_url: str = ""
    pass_back: str = ""
    notify_sign_type: str = "MD5"
    notify_charset: str = "UTF-8"


class Partner(msgspec.Struct, omit_defaults=True):
    """Who may call: its keys by sign type, and what Alipay's portal would hold about it.

    `public_key` belongs to `sign_type` when that is RSA or RSA2, and to RSA2 (Open API) when that is MD5.
    `services` empty means all. `open_id_only` answers the token call as newer apps get it, without `user_id`."""

    partner: str
    app_id: str = ""
    sign_type: str = "MD5"
    md5_key: str = ""
    public_key: str = ""
    currency: str = "USD"
    name: str = ""
    email: str = "merchant@example.com"
    callback_hosts: list[str] = []
    services: list[str] = []
    open_id_only: bool = False
    #: The contract's fee, as a part of one: it stands in the daily files only.
    fee_rate: str = "0.006"
    #: The key of content encryption for its application, base64, as the portal shows it.
    aes_key: str = ""
    #: Calls of the Open API must name the certificates of this application and of Alipay's root.
    certificate_mode: bool = False
    #: Who it is for Alipay+, and the public half of the key that signs there.
    client_id: str = ""
    client_public_key: str = ""
    #: Its further keys there by `keyVersion`, for when keys are changed; the one above is version 1.
    client_keys: dict[str, str] = {}
    #: Which of Alipay's two in-store contracts: `global` or `hk` (AlipayHK).
    region: str = "global"
    #: How long a payment can be refunded.
    refund_days: int = 365
    #: Where refunds are told, whatever the request says; set in Alipay's back office.
    refund_notify_url: str = ""
    #: Nothing unsettled to take refunds from.
    out_of_funds: bool = False
    #: In CNY: the most for one payment, one Beijing day and one month. None: no limit.
    payment_limit: Decimal | None = None
    day_limit: Decimal | None = None
    month_limit: Decimal | None = None
    #: The currencies of the contract, to price and to settle in; empty means all.
    currencies: list[str] = []
    #: The products that were signed; empty means all.
    products: list[Product] = []
    #: New payments are turned down; queries, cancels and refunds go on.
    suspended: bool = False
    #: Whether the fee of a refunded payment is kept. That of a cancelled one never is.
    refund_fee_kept: bool = False
    #: The category (MCC) of payments that name none, for the daily files.
    industry: str = "5812"

    @property
    def limits(self) -> MerchantLimits:
        """What it may take. Raises `Invalid`."""
        return MerchantLimits(fen(self.payment_limit), fen(self.day_limit), fen(self.month_limit))

    @property
    def is_hk(self) -> bool:
        """Whether AlipayHK's differences apply."""
        return self.region == "hk"


@dataclass(frozen=True, slots=True)
class TradeToPay:
    """What a wallet shows before somebody pays. `trade_no` is empty for a code nobody scanned yet: scan it first."""

    qr_code: str
    trade_no: str
    out_trade_no: str
    subject: str
    amount: Money
    cny: Money
    merchant: str
    store: str
    status: TradeStatus
    buyer_id: str
    expires_at: datetime | None
    #: CNY per unit of `amount`'s currency.
    rate: str = ""


class Note(msgspec.Struct, omit_defaults=True):
    """Something a wallet tells its buyer that no trade keeps.

    `kind` is declined (a till's scan was turned down with `code`), pin_locked or pin_changed."""

    at: datetime
    buyer_id: str
    kind: str
    code: str = ""
    merchant: str = ""
    subject: str = ""
    amount: int = 0
    currency: str = CNY
    cny: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One line in a buyer's wallet. `kind` is paid, refunded, returned (cancelled after paying), closed, waiting, or

    that of a `Note`, whose amounts may be nothing; `code` says why something was declined."""

    at: datetime
    kind: str
    amount: Money
    cny: Money
    merchant: str
    subject: str
    trade_no: str
    code: str = ""

    @property
    def text(self) -> str:
        """The line in English; screens write their own words by `kind`."""
        match self.kind:
            case "paid":
                return f"You paid {self.amount} ({self.cny}) to {self.merchant}."
            case "refunded":
                return f"{self.merchant} gave you back {self.amount} ({self.cny})."
            case "returned":
                return f"Your payment of {self.amount} to {self.merchant} was undone; you have your money back."
            case "closed":
                return f"{self.amount} to {self.merchant} was not paid; the order is closed."
            case "declined":
                return f"{self.amount} to {self.merchant} was declined: {self.code}."
            case "pin_locked" | "pin_changed":
                return f"Your PIN was {self.kind.removeprefix('pin_')}."
            case _:
                return f"{self.merchant} asks for {self.amount}."
