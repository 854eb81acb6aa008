"""Having the key doctor look at an account of this deployment, or at one that is only typed so far.

The doctor itself is in `alipay.examining`; here it is told what else it may try: the other accounts' keys and PIDs, and
pairs that were made here. What it finds is kept line by line, so that a page can watch it work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.examining import Draft, Examination, Neighbour
from saoma.alipay.examining_acquirer import AcquirerDraft, AcquirerExamination
from saoma.alipay.findings import Finding
from saoma.alipay.probing import Probe
from saoma.gateway import PRACTICE_ACCOUNT
from saoma.identity.accounts import account_view, spare_pairs
from saoma.identity.acquirers import acquirer
from saoma.identity.model import account, accounts
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, json_column
from saoma.kit.errors import NotFound
from saoma.kit.seal import Seal

#: After so long without a word, an examination was cut off with its process.
CUT_OFF: Final = timedelta(minutes=2)


class LastLook(msgspec.Struct, frozen=True):
    """The last examination of an account."""

    by: str
    begun_at: datetime
    ended_at: datetime | None
    findings: list[Finding]


class _Messages(msgspec.Struct, frozen=True):
    genuine: int
    forged: int


_MESSAGES: Final = """
SELECT (SELECT count(*) FROM (SELECT FROM notices_seen WHERE account_id = %(id)s LIMIT 1) AS one) AS genuine,
    (SELECT count(*) FROM notices_refused AS r WHERE account_id = %(id)s AND why = 'signature'
        AND last_at > %(since)s AND NOT EXISTS (
            SELECT FROM notices_seen AS s WHERE s.account_id = r.account_id AND s.at > r.last_at)) AS forged
"""


class Doctor:
    """The key doctor of a deployment, with all it may look at; `make_probe` is its socket."""

    def __init__(
        self, db: Database, seal: Seal, clock: Clock, public_url: str, make_probe: Callable[[], Probe] = Probe
    ) -> None:
        self._db = db
        self._seal = seal
        self._clock = clock
        self._public_url = public_url
        self._make_probe = make_probe

    async def look_at(self, account_id: str) -> AsyncIterator[Finding]:
        """Examine an account that is kept, check after check. Raises `NotFound`."""
        async with self._db.reading() as rows:
            at = await acquirer(rows, self._seal, account_id)
            if at is not None:
                draft: Draft | AcquirerDraft = await _at_acquirer(rows, self._clock, account_id, at, self._public_url)
            else:
                draft = Draft.of(await account(rows, self._seal, account_id))
        async for finding in self.look_at_draft(draft, besides=account_id):
            yield finding

    async def look_at_draft(self, draft: Draft | AcquirerDraft, *, besides: str = "") -> AsyncIterator[Finding]:
        """Examine what was typed; `besides` is the account it belongs to, which is no neighbour of itself."""
        async with self._make_probe() as probe:
            if isinstance(draft, AcquirerDraft):
                examination: Examination | AcquirerExamination = AcquirerExamination(draft, probe, self._clock)
            else:
                async with self._db.reading() as rows:
                    known = await neighbours(rows, self._seal, draft, besides)
                examination = Examination(draft, probe, self._clock, known)
            async for finding in examination.findings():
                yield finding

    async def examine(self, account_id: str, by: str) -> list[Finding]:
        """Examine an account, keeping each finding as it comes and telling whoever watches. Raises `NotFound`."""
        found: list[Finding] = []
        await _keep(self._db, self._clock, account_id, by, found, ended=False, begins=True)
        async for finding in self.look_at(account_id):
            found.append(finding)
            await _keep(self._db, self._clock, account_id, by, found, ended=False)
        await _keep(self._db, self._clock, account_id, by, found, ended=True)
        return found


async def neighbours(rows: Rows, seal: Seal, draft: Draft, besides: str = "") -> list[Neighbour]:
    """What else may be meant: this deployment's other accounts, and pairs that wait to be used."""
    found = []
    for account_id, each in await accounts(rows, seal):
        if account_id not in (besides, PRACTICE_ACCOUNT):
            view = await account_view(rows, account_id)
            found.append(Neighbour(f"{view.name} ({each.partner})", Draft.of(each)))
    for pair in await spare_pairs(rows):
        sealed = await rows.value("SELECT private_key FROM key_pairs WHERE id = %(id)s", {"id": pair.id})
        spare = Draft(
            draft.partner,
            private_key=seal.open(sealed),
            alipay_public_key=draft.alipay_public_key,
            gateway_url=draft.gateway_url,
        )
        found.append(Neighbour(pair.fingerprint, spare, spare=True))
    return found


async def _at_acquirer(
    rows: Rows, clock: Clock, account_id: str, at: AcquirerAccount, public_url: str
) -> AcquirerDraft:
    since = clock.now() - timedelta(days=7)
    heard = await rows.one(_Messages, _MESSAGES, {"id": account_id, "since": since})
    notices_url = f"{public_url}/acquirer/notify/{account_id}"
    return AcquirerDraft.of(at, notices_url, forged=heard.forged, genuine=heard.genuine)


# --- what was found, kept ---------------------------------------------------------------------------------------------


def topic_of(account_id: str) -> str:
    """The live topic of an account's examination."""
    return f"account:{account_id}"


async def last_look(rows: Rows, account_id: str) -> LastLook | None:
    """What was found the last time, as far as it got."""
    return await rows.maybe(
        LastLook,
        "SELECT by, begun_at, ended_at, findings FROM examinations WHERE account_id = %(id)s",
        {"id": account_id},
    )


async def _keep(
    db: Database, clock: Clock, account_id: str, by: str, found: list[Finding], *, ended: bool, begins: bool = False
) -> None:
    now = clock.now()
    async with db.transaction() as tx:
        if begins and not await tx.value("SELECT id FROM accounts WHERE id = %(id)s", {"id": account_id}):
            raise NotFound("There is no such account.")
        await tx.run(
            """INSERT INTO examinations (account_id, by, begun_at, ended_at, findings)
               VALUES (%(id)s, %(by)s, %(now)s, NULL, %(found)s)
               ON CONFLICT (account_id) DO UPDATE SET by = excluded.by, findings = excluded.findings,
                   begun_at = CASE WHEN %(begins)s THEN excluded.begun_at ELSE examinations.begun_at END,
                   ended_at = CASE WHEN %(ended)s THEN excluded.begun_at END""",
            {
                "id": account_id,
                "by": by,
                "now": now,
                "found": json_column([msgspec.to_builtins(each) for each in found]),
                "begins": begins,
                "ended": ended,
            },
        )
        await tx.tell(topic_of(account_id), "examined")
