"""What the control API does for daily files, payouts and rates: reading them, and planting what is wrong on purpose.

A file is written when somebody reads it, so an error planted now shows in files of days long gone."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from saoma.kit.clock import beijing_day
from saoma.kit.errors import NotFound
from saoma.kit.money import Money
from saoma.sandbox.book import rates
from saoma.sandbox.book.movements import Payout, paid_out_at
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.rates import DayRate
from saoma.sandbox.book.trades import Book
from saoma.sandbox.files.daily_files import DailyFiles, PlantedError
from saoma.sandbox.files.sftp import SftpAccess, SftpDoor


class PayoutView(msgspec.Struct):
    """One payout; amounts are in `currency`."""

    number: str
    day: date
    at: datetime
    line: str
    currency: str
    gross: str
    fee: str
    net: str


class NewRate(msgspec.Struct, forbid_unknown_fields=True):
    """What one unit of a currency is worth in CNY, from `day` on."""

    currency: str
    cny: Decimal
    day: date | None = None


@get("/partners/{partner:str}/sftp", sync_to_thread=False)
def sftp_access(
    partner: FromPath[str], partners: NamedDependency[Partners], sftp: NamedDependency[SftpDoor]
) -> SftpAccess:
    """How a partner fetches its daily files. Port 0: this sandbox was started without SFTP."""
    if partners.find(partner) is None:
        raise NotFound(f"There is no partner {partner!r} here.")
    return sftp.access(partner)


@get("/daily-files/{partner:str}", sync_to_thread=False)
def list_daily_files(partner: FromPath[str], daily_files: NamedDependency[DailyFiles]) -> dict[str, list[str]]:
    """The files a partner could fetch now."""
    daily_files.check_partner(partner)
    return {"files": daily_files.names(partner)}


@get("/daily-files/{partner:str}/{name:str}", media_type="text/plain", sync_to_thread=False)
def read_daily_file(partner: FromPath[str], name: FromPath[str], daily_files: NamedDependency[DailyFiles]) -> bytes:
    """One of them."""
    content = daily_files.read(partner, name)
    if content is None:
        raise NotFound("There is no such file, or not yet: files are ready at 09:00 the morning after.")
    return content


@get("/portal-files/{partner:str}", sync_to_thread=False)
def list_portal_files(partner: FromPath[str], daily_files: NamedDependency[DailyFiles]) -> dict[str, list[str]]:
    """What the portal would offer for download now; a file is read as every other."""
    daily_files.check_partner(partner)
    return {"files": daily_files.portal_names(partner)}


@get("/payouts/{partner:str}", sync_to_thread=False)
def list_payouts(partner: FromPath[str], daily_files: NamedDependency[DailyFiles]) -> dict[str, list[PayoutView]]:
    """What is paid out to a partner, day by day."""
    return {"payouts": [_payout(one) for one in daily_files.payouts(partner)]}


@post("/rates", status_code=200, sync_to_thread=False)
def set_rate(data: JSONBody[NewRate], book: NamedDependency[Book]) -> DayRate:
    """Let a currency be worth something else from a Beijing day on (today, when none is named)."""
    with book.store.writing():
        return book.rates.set(data.currency, data.day or beijing_day(book.clock.now()), data.cny)


@get("/rates", sync_to_thread=False)
def list_rates(book: NamedDependency[Book], day: FromQuery[date | None] = None) -> dict[str, Any]:
    """The rates of a day, and those that were set."""
    asked = day or beijing_day(book.clock.now())
    return {
        "day": asked,
        "cny": {name: book.rates.cny(name, asked) for name in rates.CNY_PER_UNIT},
        "set": book.rates.all(),
    }


@post("/daily-files/errors", status_code=200, sync_to_thread=False)
def plant_file_error(data: JSONBody[PlantedError], daily_files: NamedDependency[DailyFiles]) -> PlantedError:
    """Let a daily file be wrong: a row dropped, altered or doubled, a wrong count, or no file at all."""
    return daily_files.plant(data)


@get("/daily-files/errors", sync_to_thread=False)
def list_file_errors(daily_files: NamedDependency[DailyFiles]) -> dict[str, list[PlantedError]]:
    """What is wrong with the daily files on purpose."""
    return {"errors": daily_files.planted()}


@delete("/daily-files/errors", status_code=200, sync_to_thread=False)
def clear_file_errors(daily_files: NamedDependency[DailyFiles]) -> dict[str, list[PlantedError]]:
    """Write true files again."""
    daily_files.clear()
    return {"errors": []}


def _payout(one: Payout) -> PayoutView:
    gross, fee, net = (Money(minor, one.currency).text for minor in (one.gross, one.fee, one.net))
    return PayoutView(one.number, one.day, paid_out_at(one.day), one.line, one.currency, gross, fee, net)


handlers: Final[list[Any]] = [
    list_portal_files, list_payouts, set_rate, list_rates,
    sftp_access, list_daily_files, read_daily_file, plant_file_error, list_file_errors, clear_file_errors,
]  # fmt: skip
