"""`saoma audit` from outside: a table and 0 for books that hold, the broken row and 1 for those that do not."""

from __future__ import annotations

import asyncio
import os
import sys

from saoma.kit.clock import SystemClock
from saoma.kit.db import Database
from tests.restaurant.make import ANNA, restaurant


async def _audit(database_url: str) -> tuple[int | None, str]:
    environment = os.environ | {"SAOMA_DATABASE_URL": database_url, "SAOMA_SECRET": "x" * 40, "COLUMNS": "140"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "saoma.cli", "audit"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_the_audit_of_a_restaurant_holds_until_a_row_is_tampered_with(
    database: Database, database_url: str
) -> None:
    from saoma.restaurant.bill import Whole

    of = await restaurant(database, SystemClock())  # type: ignore[arg-type]
    sitting, anna = await of.sit(ANNA)
    await of.eats(sitting, anna, "tea")
    payment = await of.money_arrives(await of.pays(sitting, Whole(), guest_id=anna.id))
    code, said = await _audit(database_url)
    assert code == 0 and "every rule holds" in said, said
    async with database.reading() as rows:
        await rows.run("UPDATE bill_shares SET state = 'released' WHERE payment_id = %(id)s", {"id": payment.id})
    code, said = await _audit(database_url)
    assert code == 1 and payment.id in said and "an order is settled if and only if its payments cover it" in said


async def test_a_database_that_is_not_there_ends_in_one_clear_line() -> None:
    code, said = await _audit("postgresql://nobody@127.0.0.1:9/nothing")
    assert code == 1 and "Traceback" not in said
    assert said.splitlines()[-1].startswith("saoma: the database does not answer")
