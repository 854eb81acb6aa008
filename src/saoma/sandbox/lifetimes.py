"""How long things live at Alipay: unpaid trades, codes, the cancel window, the refund period. Pure.

`it_b_pay` counts in whole units (`90m`, never `1.5h`); `1c` is the end of the Beijing day, whatever the shop's
clock says (https://docs.antom.com/ac/global/precreate_transaction)."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Final

from saoma.kit.clock import BEIJING, beijing, beijing_day

#: Alipay closes an unpaid barcode trade three minutes after its creation (https://docs.antom.com/ac/global/spot_pay).
BARCODE_LIFETIME: Final = timedelta(minutes=3)
#: Defaults of `it_b_pay` and `qr_code_it_b_pay` are not published; the longest legal one, and two hours.
DEFAULT_LIFETIME: Final = "15d"
DEFAULT_CODE_LIFETIME: Final = "2h"
#: Typical by contract; afterwards a paid trade is TRADE_FINISHED.
REFUND_PERIOD: Final = timedelta(days=365)
#: How long Alipay tries an asynchronous refund for which the merchant has no funds.
REFUND_PATIENCE: Final = timedelta(days=180)
#: A request with a `timestamp` is good for half an hour.
TIMESTAMP_LIFETIME: Final = timedelta(minutes=30)
_CANCEL_BUFFER: Final = timedelta(minutes=15)

_IT_B_PAY: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])|1c")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=15)


def is_lifetime(text: str) -> bool:
    """Whether `text` is a legal `it_b_pay`: one minute to fifteen days, or `1c`."""
    match = _IT_B_PAY.fullmatch(text)
    if match is None:
        return False
    return text == "1c" or _SHORTEST <= int(match[1]) * _UNITS[match[2]] <= _LONGEST


def end_of(text: str, start: datetime) -> datetime:
    """When something that starts at `start` and lives for `text` is over. `text` must be legal."""
    if text == "1c":
        return next_beijing_midnight(start)
    return start + int(text[:-1]) * _UNITS[text[-1]]


def next_beijing_midnight(moment: datetime) -> datetime:
    """The start of the next Beijing day."""
    return datetime.combine(beijing_day(moment) + timedelta(days=1), time(), BEIJING)


def can_cancel(created_at: datetime, now: datetime) -> bool:
    """Whether the cancel window of a trade is open: its own Beijing day and the first quarter of an hour after it.

    https://docs.antom.com/ac/global/acquire_cancel"""
    return now < next_beijing_midnight(created_at) + _CANCEL_BUFFER


def refund_due(paid_at: datetime, now: datetime, *, hk: bool = False) -> datetime:
    """When an asynchronous refund is carried out: at once on the day of the payment, later between 23:00 and 05:00.

    Hong Kong waits for 23:00 on the day of the payment, too (https://docs.antom.com/ac/global/spot_refund,
    https://docs.antom.com/ac/hkapi/spot_refund)."""
    local = beijing(now)
    today = beijing_day(paid_at) == local.date()
    if local.hour >= 23 or (today and not hk) or (local.hour < 5 and not today):
        return now + timedelta(seconds=5)
    return datetime.combine(local.date(), time(23), BEIJING)


def next_refund_night(now: datetime) -> datetime:
    """When refunds that lacked funds are tried again: the next 23:00 in Beijing."""
    tonight = datetime.combine(beijing_day(now), time(23), BEIJING)
    return tonight if tonight > now else tonight + timedelta(days=1)


def pauses_sync_refunds(now: datetime) -> bool:
    """Whether it is between 00:00 and 01:30 in Beijing (https://docs.antom.com/ac/global/spot_refund_cn)."""
    return beijing(now).time() < time(1, 30)


def wire_time(moment: datetime) -> str:
    """`yyyyMMddHHmmss`, Beijing: the times inside answers."""
    return beijing(moment).strftime("%Y%m%d%H%M%S")


def wire_date_time(moment: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss`, Beijing: the times inside notifications."""
    return beijing(moment).strftime("%Y-%m-%d %H:%M:%S")


def read_timestamp(text: str) -> datetime | None:
    """A `timestamp` parameter: date and time in GMT+8, or milliseconds since the epoch; None for neither."""
    if re.fullmatch(r"[0-9]{13}", text):
        return datetime.fromtimestamp(int(text) / 1000, BEIJING)
    if not re.fullmatch(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]", text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None
