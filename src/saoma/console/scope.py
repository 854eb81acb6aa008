"""What a person may see in the console: the partner's operators everything, a merchant's managers their own.

Whatever is asked for by id is checked here once more; another merchant's looks as if it were not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from litestar import Request

from saoma.identity.guards import Role, needs, staff_of
from saoma.identity.model import Staff, check_same_merchant, staff_names
from saoma.identity.roles import May
from saoma.kit.db import Rows

AnyRequest = Request[Any, Any, Any]

#: Everybody who has a console; and what only the partner's own people see.
SEES: Final = needs(Role.OPERATOR, Role.OWNER, Role.MANAGER)
OPERATES: Final = needs(Role.OPERATOR)
RULES: Final = needs(May.RULE_CASES)

#: The console's screens in the order of a day: path, title, whether only operators have it.
NAV: Final = (
    ("/console", "Health", True),
    ("/console/cases", "Cases", False),
    ("/console/alarms", "Alarms", True),
    ("/console/payments", "All payments", False),
    ("/console/refunds", "Refunds", False),
    ("/console/notices", "Messages", True),
    ("/console/reconciliation", "Daily files", True),
    ("/console/accounts", "Accounts", True),
    ("/console/shops", "Stores at Alipay", False),
    ("/console/staff", "Staff", False),
    ("/office/api-keys", "Partner keys", True),
)


def merchant_of(staff: Staff) -> str:
    """Which merchant's things this person sees: empty for operators, who see every merchant's."""
    return "" if staff.may(May.SEE_EVERY_MERCHANT) else staff.merchant_id


def asked_merchant(request: AnyRequest, staff: Staff) -> str:
    """The merchant to show: an operator may choose one by `?merchant=`, others have no choice."""
    return merchant_of(staff) or str(request.query_params.get("merchant", ""))


def check_mine(staff: Staff, merchant_id: str) -> None:
    """Pass if `staff` may see what belongs to `merchant_id`; raises `NotFound` otherwise.

    What belongs to no merchant is the operators'."""
    check_same_merchant(staff, merchant_id or "-")


class _Name(msgspec.Struct, frozen=True):
    id: str
    name: str


def shell(request: AnyRequest) -> dict[str, Any]:
    """What the console's frame needs on every page: who looks, and where they may go."""
    staff = staff_of(request)
    operator = staff.may(May.SEE_EVERY_MERCHANT)
    return {
        "staff": staff,
        "operator": operator,
        "may_rule": staff.may(May.RULE_CASES),
        "nav": [(path, title) for path, title, only in NAV if operator or not only],
        "path": request.url.path,
    }


async def names_of(rows: Rows, ids: Iterable[str]) -> dict[str, str]:
    """The names of members of staff by their ids; programs and buyers keep the word they are known by."""
    return await staff_names(rows, (part for each in ids for part in _people(each)))


def _people(said_by: str) -> list[str]:
    head = said_by.partition(":")[0]
    return [part.strip() for part in head.split(",") if part.strip().startswith("stf_")]


def who(said_by: str, names: dict[str, str]) -> str:
    """`stf_1: because` as `Ann: because`."""
    for each in _people(said_by):
        said_by = said_by.replace(each, names.get(each, each))
    return said_by


async def merchants(rows: Rows) -> list[tuple[str, str]]:
    """Every merchant, for an operator's choice; those for practice are none."""
    sql = "SELECT id, name FROM merchants WHERE practice_of IS NULL ORDER BY name, id LIMIT 500"
    found = await rows.rows(_Name, sql)
    return [(each.id, each.name) for each in found]
