"""The list for going live: which points are proven, which a named person has seen to, which are open.

It asks the database one question and is pure otherwise. What can be tried is tried and can't be ticked; a point that
only people can see to counts with a name beside it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable
from urllib.parse import urlsplit

import msgspec

from saoma.alipay.account import Account
from saoma.alipay.findings import Finding, Mark
from saoma.identity.going_live import Tick, keys_shared
from saoma.kit.db import Rows


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the database knows: of the sandbox account (rehearsed), of the production account, of the deployment."""

    rehearsed_paid: bool
    rehearsed_cancelled: bool
    rehearsed_part_refunded: bool
    rehearsed_wholly_refunded: bool
    rehearsed_notice: bool
    paid: bool
    cancelled: bool
    part_refunded: bool
    wholly_refunded: bool
    noticed: bool
    file: bool
    source: bool
    targets: int
    alarm_sent: bool
    test_names: list[str]
    still_open: int
    printed_codes: int


_OF: Final = """
    EXISTS (SELECT FROM payments WHERE account_id = %({id})s AND status = 'succeeded') AS {p}paid,
    EXISTS (SELECT FROM payments WHERE account_id = %({id})s AND status = 'cancelled') AS {p}cancelled,
    EXISTS (SELECT FROM payments WHERE account_id = %({id})s AND refunded > 0 AND refunded < amount)
        AS {p}part_refunded,
    EXISTS (SELECT FROM payments WHERE account_id = %({id})s AND refunded = amount) AS {p}wholly_refunded
"""
_FACTS: Final = f"""
SELECT {_OF.format(id="sandbox", p="rehearsed_")},
    EXISTS (SELECT FROM notices_seen WHERE account_id = %(sandbox)s) AS rehearsed_notice,
    {_OF.format(id="id", p="")},
    EXISTS (SELECT FROM notices_seen WHERE account_id = %(id)s) AS noticed,
    EXISTS (SELECT FROM recon_runs WHERE account_id = %(id)s AND status = 'done') AS file,
    EXISTS (SELECT FROM statement_sources WHERE account_id = %(id)s) AS source,
    (SELECT count(*) FROM alarm_targets WHERE active) AS targets,
    EXISTS (SELECT FROM alarm_deliveries WHERE sent_at IS NOT NULL) AS alarm_sent,
    ARRAY(SELECT name FROM (
        SELECT m.name FROM merchants AS m WHERE m.account_id IN (%(sandbox)s, %(id)s)
        UNION SELECT s.name FROM stores AS s JOIN merchants AS m ON m.id = s.merchant_id
        WHERE m.account_id IN (%(sandbox)s, %(id)s)) AS named
        WHERE name ~* '(^|[^a-z])(test|testing|demo|sample|example|dummy|foo|xxx)([^a-z]|$)|测试|演示|示例'
        ORDER BY name LIMIT 5) AS test_names,
    (SELECT count(*) FROM payments WHERE account_id = %(sandbox)s
        AND status IN ('created', 'pending', 'cancelling', 'needs_attention')) AS still_open,
    (SELECT count(*) FROM merchant_codes WHERE account_id = %(sandbox)s AND status = 'active') AS printed_codes
"""  # noqa: S608


async def facts_of(rows: Rows, account_id: str, sandbox_id: str) -> Facts:
    """What the database knows that the list asks for."""
    return await rows.one(Facts, _FACTS, {"id": account_id, "sandbox": sandbox_id or account_id})


@dataclass(frozen=True, slots=True)
class Trained:
    """The people at the tills, by their names: who has shown in practice that they handle every error, who has not."""

    ready: list[str]
    missing: list[str]


@runtime_checkable
class Practised(Protocol):
    """Who knows of the practice of cashiers; the composition hands it over."""

    async def __call__(self, rows: Rows, account_ids: Sequence[str]) -> Trained | None:
        """Who is trained of those at the tills of these accounts; None where nobody has practised yet."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point: its name, its text (a key of the texts), whether it is seen to, and by whom where only people can.

    `says` is a sentence about `note`, where the note is not one itself."""

    name: str
    text: str
    done: bool
    by_hand: bool = False
    tick: Tick | None = None
    note: str = ""
    says: str = ""


#: What only people can see to: texts, and what to write beside the tick.
BY_HAND: Final[Mapping[str, tuple[str, str]]] = {
    "acceptance": (
        "Alipay's acceptance cases have been passed",
        "Alipay's own tool (iValidate) and its result; Saoma does not run the cases by itself yet",
    ),
    "secondary": (
        "Each merchant is registered with Alipay where its solution needs it",
        "Who confirmed it, and when",
    ),
    "training": ("The cashiers know what to do with each message", "Who was trained, by whom"),
    "contract": ("Contract, currency and settlement account are those of the merchants", "The contract's number"),
}


def before(
    sandbox: Account,
    production: Account,
    facts: Facts,
    findings: Sequence[Finding],
    public_url: str,
    ticks: Mapping[str, Tick],
    trained: Trained | None = None,
) -> list[Point]:
    """The points to be seen to before anybody pays for real, in their order."""
    marks = {each.check: each.mark for each in findings}
    shared = keys_shared(sandbox, production)
    own = production.environment == "production" and production.partner != sandbox.partner and not shared
    rehearsed = (
        facts.rehearsed_paid,
        facts.rehearsed_cancelled,
        facts.rehearsed_part_refunded,
        facts.rehearsed_wholly_refunded,
    )
    wrong = any(each.mark is Mark.WRONG for each in findings)
    proven = not wrong and all(marks.get(check) is Mark.WELL for check in ("signature", "answer"))

    def by_hand(name: str) -> Point:
        text, note = BY_HAND[name]
        return Point(name, text, name in ticks, by_hand=True, tick=ticks.get(name), note=note)

    return [
        Point("own_keys", "Gateway, PID and keys are production's own", own),
        Point("doctor", "The key doctor finds the account in order", proven),
        Point("clock", "This machine's clock is right", marks.get("clock") is Mark.WELL),
        Point("https", "Alipay can reach us: a public address with https", is_public(public_url)),
        Point("rehearsed", "Paid, cancelled, refunded in part and wholly in the sandbox", all(rehearsed)),
        Point("noticed", "A notification has arrived and was applied in the sandbox", facts.rehearsed_notice),
        Point("files", "It is said where production's daily files come from", facts.source),
        Point(
            "alarms", "Somebody is told by alarms, and a message has arrived", facts.targets > 0 and facts.alarm_sent
        ),
        Point(
            "names",
            "No merchant or store is named like a test",
            not facts.test_names,
            note=", ".join(facts.test_names),
        ),
        by_hand("acceptance"),
        by_hand("secondary"),
        by_hand("training") if trained is None else _shown(trained),
        by_hand("contract"),
    ]


def _shown(trained: Trained) -> Point:
    """The point of training where people practise: nobody's word is needed."""
    text = "Everybody at the tills has passed every lesson of practice"
    if trained.missing:
        return Point("training", text, False, note=", ".join(trained.missing), says="Not yet: {names}")
    return Point("training", text, True, note=", ".join(trained.ready), says="Passed by {names}")


def after(facts: Facts) -> list[Point]:
    """What is to be seen with small real amounts on the first day."""
    return [
        Point("first_payment", "A first small payment was made", facts.paid),
        Point("first_notice", "A notification of Alipay's has arrived and was applied", facts.noticed),
        Point("first_cancel", "One was cancelled", facts.cancelled),
        Point(
            "first_refunds", "One was refunded in part, and one wholly", facts.part_refunded and facts.wholly_refunded
        ),
        Point("first_file", "A daily file was fetched and compared", facts.file),
    ]


def is_public(url: str) -> bool:
    """Whether an address can be reached from outside, as far as its look tells."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme != "https" or not host:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".test", ".internal", ".example"))
