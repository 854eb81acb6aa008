"""Who is trained: what practice proves on the list for going live.

Owners count only where nobody else stands at a till: a shop's owner need not be its cashier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from saoma.console.going_live import Trained
from saoma.identity.roles import Role
from saoma.kit.db import Rows
from saoma.practice.lessons import LESSONS

_PEOPLE: Final = """
SELECT s.name, s.roles, count(*) FILTER (WHERE l.passed_at IS NOT NULL) AS passed, count(l.lesson) AS begun
FROM staff AS s JOIN merchants AS m ON m.id = s.merchant_id
LEFT JOIN practice_lessons AS l ON l.staff_id = s.id AND l.lesson = ANY(%(lessons)s)
WHERE s.active AND m.account_id = ANY(%(accounts)s) AND s.roles && ARRAY['cashier', 'manager', 'owner']
GROUP BY s.id ORDER BY s.name, s.id
"""


class _Person(msgspec.Struct, frozen=True):
    name: str
    roles: list[Role]
    passed: int
    begun: int


async def who_is_trained(rows: Rows, account_ids: Sequence[str]) -> Trained | None:
    """Who of those at the tills of these accounts has passed every lesson; None where nobody has practised yet."""
    given = {"lessons": [lesson.key for lesson in LESSONS], "accounts": list(account_ids)}
    people = await rows.rows(_Person, _PEOPLE, given)
    if not any(person.begun for person in people):
        return None
    at_tills = [person for person in people if {Role.CASHIER, Role.MANAGER} & set(person.roles)] or people
    return Trained(
        ready=[person.name for person in at_tills if person.passed == len(LESSONS)],
        missing=[person.name for person in at_tills if person.passed < len(LESSONS)],
    )
