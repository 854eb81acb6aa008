"""What practice proves on the list for going live, seen on the account's page in the console."""

from __future__ import annotations

import re
from dataclasses import replace

from saoma.identity import model
from saoma.identity.going_live import PRODUCTION
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.practice.lessons import LESSONS
from saoma.practice.training import who_is_trained
from tests.console.make import browser, office
from tests.identity import make as identity
from tests.identity.web import text_of


async def passes(db: Database, staff_id: str, lessons: int, *, begins: int = 0) -> None:
    """Somebody passes so many lessons, and begins some more."""
    async with db.transaction() as tx:
        for number, lesson in enumerate(LESSONS[: lessons + begins]):
            await tx.run(
                """INSERT INTO practice_lessons (staff_id, lesson, tries, passed_at, last_at)
                   VALUES (%(id)s, %(lesson)s, 1, CASE WHEN %(passed)s THEN now() END, now())
                   ON CONFLICT (staff_id, lesson) DO UPDATE SET passed_at = excluded.passed_at""",
                {"id": staff_id, "lesson": lesson.key, "passed": number < lessons},
            )


async def test_training_is_ticked_by_hand_until_somebody_practises_and_is_proven_from_then_on(
    database: Database, clock: MovableClock
) -> None:
    of = await office(database, clock, practised=who_is_trained)
    sandbox, merchant = of.shop.account_id, of.shop.merchant
    async with database.transaction() as tx:
        given = {"environment": "production", "md5_key": "k" * 32, **PRODUCTION}
        twin = replace(identity.account(partner="2088100000000099"), **given)
        live = await model.add_account(tx, identity.seal(), twin)
        await tx.run("UPDATE accounts SET goes_live_for = %(of)s WHERE id = %(id)s", {"of": sandbox, "id": live})
        await tx.run("UPDATE staff SET active = false WHERE merchant_id = %(id)s", {"id": merchant.id})
        roles = {"Ann": Role.OWNER, "Kai": Role.CASHIER, "Theo": Role.MANAGER, "Wei": Role.KITCHEN}
        people = {
            name: await model.add_staff(tx, name=name, login=name.lower(), roles=[role], merchant_id=merchant.id)
            for name, role in roles.items()
        }
    here = f"/console/accounts/{live}"
    async with browser(of, await of.person(Role.OPERATOR)) as desk:

        async def training() -> tuple[str, str]:
            page = (await desk.get(here)).text
            found = re.search(r'data-point="training" data-done="(\w+)"(.*?)</li>', page, re.DOTALL)
            assert found
            return found[1], text_of(found[2])

        assert (await training())[0] == "no"
        assert (await desk.post(f"{here}/points/training", {"note": "Ann, on Monday"})).status_code == 303
        assert (await training())[0] == "yes", "nobody has practised: a person's word counts"

        await passes(database, people["Kai"].id, len(LESSONS))
        await passes(database, people["Theo"].id, 3, begins=1)
        done, said = await training()
        assert done == "no", "one who tried has to finish, whatever was said before"
        assert "Not yet: Theo" in said and "Ann" not in said and "Wei" not in said
        assert (await desk.post(f"{here}/points/training", {"note": "Ann, on Monday"})).status_code == 422

        await passes(database, people["Theo"].id, len(LESSONS))
        done, said = await training()
        assert done == "yes" and "Passed by Kai, Theo" in said
        zh = (await desk.get(f"{here}?lang=zh")).text
        assert "已通过：Kai, Theo" in zh


async def test_an_owner_who_works_alone_is_the_one_to_practise(database: Database, clock: MovableClock) -> None:
    shop = await identity.shop(database)
    async with database.transaction() as tx:
        await tx.run("UPDATE staff SET active = false")
        owner = await model.add_staff(tx, name="Ann", login="ann", roles=[Role.OWNER], merchant_id=shop.merchant.id)
        assert await who_is_trained(tx, [shop.account_id]) is None
    await passes(database, owner.id, 1)
    async with database.reading() as rows:
        trained = await who_is_trained(rows, [shop.account_id])
        assert trained is not None and trained.missing == ["Ann"]
        assert await who_is_trained(rows, ["acc_another"]) is None
