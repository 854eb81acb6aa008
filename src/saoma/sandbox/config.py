"""The sandbox's settings file, TOML or JSON: where its book is kept, who its partners are, whose wallets there are.

Partners in the file replace what the book remembers of them; buyers are only added, so a restart gives nobody their
money back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.sandbox.book.buyers import DEFAULT_PIN
from saoma.sandbox.book.limits import BuyerTerms, fen
from saoma.sandbox.book.model import CNY, Partner
from saoma.sandbox.choices import Choices
from saoma.sandbox.misreading import MISREAD, plainly, unknown_names
from saoma.sandbox.openapi_choices import OpenApiChoices
from saoma.sandbox.plus.choices import PlusChoices


class BuyerSetting(msgspec.Struct, forbid_unknown_fields=True):
    """One test buyer. `balance` is in CNY."""

    id: str
    name: str = ""
    balance: Decimal = Decimal(5000)
    pin_required: bool = False
    pin: str = DEFAULT_PIN
    hk: bool = False
    #: In CNY: the most for one payment, one Beijing day and one month; None: no limit.
    payment_limit: Decimal | None = None
    day_limit: Decimal | None = None
    month_limit: Decimal | None = None
    #: In CNY: a till's scan of more than this waits for the PIN.
    pin_above: Decimal | None = None
    #: The word of Alipay's that every payment ends with; empty: none.
    refused_with: str = ""

    @property
    def money(self) -> Money:
        """The balance. Raises `Invalid` for more than two decimals."""
        return yuan(self.balance)

    @property
    def terms(self) -> BuyerTerms:
        """What the account allows. Raises `Invalid`."""
        return BuyerTerms(
            fen(self.payment_limit), fen(self.day_limit), fen(self.month_limit), fen(self.pin_above), self.refused_with
        )


class Config(msgspec.Struct, forbid_unknown_fields=True):
    """Everything the file may say. `state` is the book's file; without one the book lives in memory only.

    `partner_origins` are web origins off this machine whose pages the toy wallet may open."""

    state: str = ""
    host: str = "127.0.0.1"
    public_url: str = ""
    auth_code_seconds: int = 180
    #: Where the daily files are fetched by SFTP; 0 takes any free port, without one there is no SFTP.
    sftp_port: int | None = None
    partners: list[Partner] = []
    buyers: list[BuyerSetting] = []
    partner_origins: list[str] = []
    #: By Beijing day: what one unit of a currency is worth in CNY from then on.
    rates: dict[str, dict[str, Decimal]] = {}
    #: Another answer to what the Open API's pages leave open.
    openapi: OpenApiChoices = OpenApiChoices()
    #: Another answer to what the pages of Alipay+ leave open.
    plus: PlusChoices = PlusChoices()
    #: Another answer to what Alipay's pages leave open.
    choices: Choices = Choices()

    @property
    def rates_by_day(self) -> dict[date, dict[str, Decimal]]:
        """The rates under their days. Raises `Invalid` for a name that is no day."""
        try:
            return {date.fromisoformat(day): of_day for day, of_day in self.rates.items()}
        except ValueError:
            raise Invalid('Rates stand under a day: [rates."2026-03-03"].') from None

    @property
    def auth_code_lifetime(self) -> timedelta:
        """How long an authorization code is good."""
        return timedelta(seconds=self.auth_code_seconds)


#: What there is when no file says otherwise: the partner of the published samples and a few people to play.
DEFAULT: Final = Config(
    partners=[
        Partner(
            partner="2088000000000001",
            app_id="2016000000000000",
            sign_type="MD5",
            md5_key="abcdefghijklmnopqrstuvwxyz123456",
            name="Sample partner",
        )
    ],
    buyers=[
        BuyerSetting("anna", "Anna 安娜"),
        BuyerSetting("ben", "Ben 小本"),
        BuyerSetting("chen", "Chen 小陈", pin_required=True),
    ],
)


def read_config(path: Path | None) -> Config:
    """The settings in a file, or the default ones. A relative `state` lies beside the file. Raises `Invalid`."""
    if path is None:
        return DEFAULT
    try:
        text = path.read_bytes()
    except OSError as unread:
        raise Invalid(f"The sandbox's settings {path} can't be read: {unread.strerror}.") from None
    try:
        decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
        config = decode(text, type=Config)
        # books keep partners, too, and a book of another version may hold names that this one doesn't know
        given = enumerate(decode(text).get("partners", []))
        trouble = next(filter(None, (unknown_names(one, Partner, f"partners[{place}]") for place, one in given)), "")
    except MISREAD as wrong:
        trouble = plainly(wrong, Config)
    if trouble:
        raise Invalid(f"The sandbox's settings {path} are wrong: {trouble}.")
    if config.state:
        config.state = str(path.parent / config.state)
    return config


def yuan(amount: Decimal) -> Money:
    """A balance as people write it. Raises `Invalid` for less than nothing or more than two decimals."""
    if not amount.is_finite() or amount < 0:
        raise Invalid("A balance is not less than nothing.")
    return Money.parse(f"{amount:f}", CNY)
