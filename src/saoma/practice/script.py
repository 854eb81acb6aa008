"""What a lesson is made of: a customer's phone, stages that the cashier goes through, sentences to say. Pure data.

A stage is done by what the till or the customer saw, never by a click on "next". Prices are written once, and
are `times` as much in currencies whose unit buys little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from saoma.alipay import sayings


class Word(StrEnum):
    """What a cashier may say; the sentences are those of the codes' table."""

    CONFIRM = "confirm"
    MOMENT = "moment"
    REFRESH = "refresh"
    OTHER_CARD = "other_card"
    OPEN_PAY = "open_pay"
    NOT_CHARGED = "not_charged"


#: Word for word what the product tells customers in these cases.
SENTENCES: Final[Mapping[Word, Mapping[str, str]]] = {
    Word.CONFIRM: sayings.WAITING.customer,
    Word.MOMENT: sayings.CHECKING.customer,
    Word.REFRESH: sayings.CODE_INVALID.customer,
    Word.OTHER_CARD: sayings.NO_MONEY.customer,
    Word.OPEN_PAY: sayings.NOT_A_CODE.customer,
    Word.NOT_CHARGED: sayings.CANCELLED.customer,
}
#: Said while a payment is open, these keep the customer waiting and do no harm.
PATIENT: Final = frozenset({Word.CONFIRM, Word.MOMENT})


class Face(StrEnum):
    """What the customer's phone shows."""

    CODE = "code"
    LINK = "link"
    PIN = "pin"
    PAID = "paid"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone as the customer holds it out. `ending` is what the sandbox makes of its code; `then` what it shows once
    the code was scanned; `says` what its owner says (a text's key)."""

    ending: str
    face: Face = Face.CODE
    then: Face = Face.CODE
    says: str = ""


class Kind(StrEnum):
    """What ends a stage."""

    CHARGE = "charge"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    PAID = "paid"
    SAY = "say"
    HAND_OVER = "hand_over"
    ASK_REFUND = "ask_refund"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: what ends it, the coach's instruction (a text's key), and for `SAY` the words that are right."""

    kind: Kind
    tell: str
    words: frozenset[Word] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One thing that happens at a till. `bills` are the dishes of each table by their codes, the first is the lesson's.

    `takes` are the dishes that are to be paid (all, if empty); `gives_back` those to be refunded. In a `patient` lesson
    the payment ends well by itself, and stopping it is the mistake. The texts are keys."""

    key: str
    title: str
    happens: str
    remember: str
    bills: tuple[tuple[str, ...], ...]
    phones: tuple[Phone, ...]
    stages: tuple[Stage, ...]
    takes: tuple[str, ...] = ()
    gives_back: tuple[str, ...] = ()
    patient: bool = False

    @property
    def expected(self) -> int:
        """What the customer is to pay."""
        return cost(self.takes or self.bills[0])

    @property
    def to_give_back(self) -> int:
        """What is to be refunded."""
        return cost(self.gives_back)


@dataclass(frozen=True, slots=True)
class Dish:
    """A dish of the practice menu; its price in minor units of most currencies."""

    code: str
    name: str
    name_zh: str
    price: int


MENU: Final = (
    Dish("noodles", "Beef noodles", "牛肉面", 950),
    Dish("dumplings", "Dumplings", "水饺", 700),
    Dish("rolls", "Spring rolls", "春卷", 550),
    Dish("tea", "Jasmine tea", "茉莉花茶", 300),
)
_PRICES: Final = {dish.code: dish.price for dish in MENU}


#: Where nothing can be bought for 9.50.
_TIMES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("THB", "PHP", "MUR", "CZK", "KRW"), 10),
    **dict.fromkeys(("RUB", "LKR"), 100),
    "IDR": 10_000,
}
#: Only prices are written in these; payments settle in another currency (https://docs.antom.com/ac/global/spotpay_cn).
_NEVER_SETTLED: Final = frozenset({"MOP", "TWD"})


def times(currency: str) -> int:
    """What the menu's prices are multiplied with in this currency."""
    return _TIMES.get(currency, 1)


def practised(currency: str) -> str:
    """The currency in which people practise whose merchant sells in `currency`: the same, wherever it can settle."""
    return "USD" if currency in _NEVER_SETTLED else currency


def cost(codes: tuple[str, ...]) -> int:
    """What dishes cost together."""
    return sum(_PRICES[code] for code in codes)
