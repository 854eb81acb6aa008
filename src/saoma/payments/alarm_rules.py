"""When people are called, and how loudly: the rules of alarms as data, and quiet hours. Pure.

An alarm rings for a group (rule and key), not for each event; an unknown rule rings like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason to call a person. `urgent` breaks quiet hours. `sentence` is what is the matter, a key of the texts.

    Unacknowledged, it goes one level up every `escalate_after`. `count` within `window` is how many events it takes."""

    name: str
    sentence: str
    urgent: bool = False
    escalate_after: timedelta = timedelta(minutes=30)
    count: int = 1
    window: timedelta = timedelta(minutes=1)


def _rules(*rules: Rule) -> Mapping[str, Rule]:
    return {rule.name: rule for rule in rules}


_SOON: Final = timedelta(minutes=10)

#: Every rule by its name.
RULES: Final = _rules(
    Rule(name="payment_stuck", sentence="A payment needs a person", urgent=True, escalate_after=_SOON),
    Rule(name="late_money", sentence="Money arrived after we said it did not", urgent=True, escalate_after=_SOON),
    Rule(name="surplus", sentence="More money came than anybody owed"),
    Rule(name="wrong_amount", sentence="Another amount was paid than asked for", urgent=True, escalate_after=_SOON),
    Rule(name="cancel_failed", sentence="A cancel was refused or came too late", urgent=True, escalate_after=_SOON),
    Rule(name="retries_exhausted", sentence="A cancel was repeated in vain", urgent=True, escalate_after=_SOON),
    Rule(name="refund_stuck", sentence="A refund needs a person", urgent=True),
    Rule(name="refund_pending", sentence="Refunds are pending for over a day"),
    Rule(name="gateway_trouble", sentence="Alipay answers with errors or not at all", urgent=True, count=5),
    Rule(name="unknown_code", sentence="Alipay used a code that is not in our table"),
    Rule(
        name="bad_signatures",
        sentence="Messages arrive whose signature does not hold",
        urgent=True,
        count=3,
        window=timedelta(minutes=10),
    ),
    Rule(name="unknown_notice", sentence="Alipay tells of an order that is not ours"),
    Rule(name="wrong_notice", sentence="A notification does not fit its payment", urgent=True),
    Rule(name="never_notified", sentence="Payments were paid and never notified"),
    Rule(name="file_missing", sentence="A day with trade has no file"),
    Rule(name="file_wrong", sentence="A daily file can't be read or does not add up"),
    Rule(name="workers_silent", sentence="No worker has been heard of", urgent=True, escalate_after=_SOON),
    Rule(name="due_late", sentence="Work is due and nobody does it", urgent=True, escalate_after=_SOON),
    Rule(name="audit_breach", sentence="The books break one of their rules", urgent=True),
    Rule(name="webhook_dead", sentence="A partner's address takes no webhooks"),
)
#: For rules that other rooms name and this table does not.
_OTHER: Final = Rule(name="other", sentence="Something needs a look")

#: Levels of escalation: 0 is told first, 3 last.
LAST_LEVEL: Final = 3
#: At the last level an alarm that nobody acknowledges is repeated.
REPEAT_AFTER: Final = timedelta(hours=4)
#: An acknowledged alarm is over when its trouble has not been seen for so long.
CALM: Final = timedelta(hours=1)


def rule(name: str) -> Rule:
    """The rule of that name, or what stands for rules without a line in the table."""
    return RULES.get(name, _OTHER)


def quiet_until(now: datetime, quiet_from: time, quiet_to: time, zone: str) -> datetime | None:
    """When the quiet hours end that `now` lies in, or None outside of them; equal ends mean no quiet hours.

    The hours are of the wall clock in `zone`, over midnight if `quiet_to` is the earlier one."""
    there = now.astimezone(ZoneInfo(zone))
    wall = there.time().replace(tzinfo=None)
    if quiet_from <= quiet_to:
        quiet, next_day = quiet_from <= wall < quiet_to, False
    else:
        quiet, next_day = wall >= quiet_from or wall < quiet_to, wall >= quiet_from
    if not quiet:
        return None
    day = there.date() + timedelta(days=1 if next_day else 0)
    ends = datetime.combine(day, quiet_to, there.tzinfo)
    # Where the wall clock goes back, the end may lie behind us by its first reading: then its second one counts.
    if ends.timestamp() <= now.timestamp():
        ends = ends.replace(fold=1)
    return ends.astimezone(now.tzinfo) if ends.timestamp() > now.timestamp() else None
