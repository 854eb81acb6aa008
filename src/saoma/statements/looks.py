"""What came of the last look at a source of daily files, a worker's or a person's: kept for the page that shows it.

One row per account, the latest wins; what was loaded stands with the days themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from saoma.alipay.acquirer_client import AcquirerClient
from saoma.alipay.acquirer_statement import look_at_statement
from saoma.alipay.sftp import FilesUnreachable, Trouble
from saoma.alipay.sftp_look import host_key_shown, names_there
from saoma.kit.clock import Clock, beijing_day
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.statements.sources import Source, folder_names

#: Whoever may say nothing more than this of one file.
_LONGEST: Final = 300


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `trouble` is empty where all was well, `said` what exactly it was; `said_by` is empty for a worker."""

    account_id: str
    at: datetime
    said_by: str
    trouble: str
    said: str
    files: int
    newest: str


class LastFile(msgspec.Struct, frozen=True, kw_only=True):
    """The last file of an account that was read to its end."""

    account_id: str
    name: str
    day: date
    loaded_at: datetime
    lines: int


_KEEP: Final = """
INSERT INTO statement_looks (account_id, at, said_by, trouble, said, files, newest)
VALUES (%(account_id)s, %(at)s, %(said_by)s, %(trouble)s, %(said)s, %(files)s, %(newest)s)
ON CONFLICT (account_id) DO UPDATE SET at = excluded.at, said_by = excluded.said_by, trouble = excluded.trouble,
    said = excluded.said, files = excluded.files, newest = excluded.newest
"""
_LOOKS: Final = f"SELECT {', '.join(Look.__struct_fields__)} FROM statement_looks WHERE %(id)s IN ('', account_id)"  # noqa: S608
_LAST: Final = """
SELECT DISTINCT ON (account_id) account_id, name, day, loaded_at, loaded AS lines FROM recon_files
WHERE complete AND %(id)s IN ('', account_id) ORDER BY account_id, loaded_at DESC, id DESC
"""


async def keep_look(
    db: Database, clock: Clock, account_id: str, *, by: str, trouble: FilesUnreachable | None, names: Sequence[str] = ()
) -> Look:
    """Remember what came of a look, and tell pages that are open."""
    look = Look(
        account_id=account_id,
        at=clock.now(),
        said_by=by,
        trouble=trouble.trouble.value if trouble else "",
        said=str(trouble)[:_LONGEST] if trouble else "",
        files=len(names),
        newest=max(names, key=_day_in, default=""),
    )
    async with db.transaction() as tx:
        await tx.run(_KEEP, msgspec.structs.asdict(look))
        await tx.tell("reconciliation", "look", {"account_id": account_id})
    return look


async def last_looks(rows: Rows, account_id: str = "") -> dict[str, Look]:
    """The last look of every account, or of one."""
    return {each.account_id: each for each in await rows.rows(Look, _LOOKS, {"id": account_id})}


async def last_files(rows: Rows, account_id: str = "") -> dict[str, LastFile]:
    """The last file of every account, or of one."""
    return {each.account_id: each for each in await rows.rows(LastFile, _LAST, {"id": account_id})}


def _day_in(name: str) -> tuple[str, str]:
    found = re.search(r"20[0-9]{6}", name)
    return (found[0] if found else "", name)


def _ours(partner: str, names: Sequence[str]) -> list[str]:
    """Those of the names that a day's file of this partner may have."""
    shape = re.compile(re.escape(partner) + r"_(transaction_|settlement_|fptrade_|settle_)?20[0-9]{6}\.(txt|csv|zip)")
    return [name for name in names if shape.fullmatch(name)]


async def try_source(db: Database, clock: Clock, seal: Seal, source: Source, *, by: str) -> Look:
    """Look now and fetch nothing. A host key that nobody accepted is kept, to be seen and decided about."""
    try:
        names = await _names(source, seal, beijing_day(clock.now()) - timedelta(days=1))
    except FilesUnreachable as error:
        if error.trouble in (Trouble.HOST_KEY_UNKNOWN, Trouble.HOST_KEY_DIFFERS):
            error = await _ask_for_host_key(db, seal, source, error)
        return await keep_look(db, clock, source.account_id, by=by, trouble=error)
    return await keep_look(db, clock, source.account_id, by=by, trouble=None, names=names)


async def _names(source: Source, seal: Seal, yesterday: date) -> list[str]:
    match source.kind:
        case "sftp":
            return _ours(source.partner, await names_there(source.server(seal)))
        case "folder":
            return _ours(source.partner, await folder_names(source.folder))
        case "acquirer":
            try:
                account = source.acquirer(seal)
            except Invalid as error:
                raise FilesUnreachable(str(error)) from None
            async with AcquirerClient(read_seconds=15) as client:
                await look_at_statement(client, account, yesterday)
    return []


async def _ask_for_host_key(db: Database, seal: Seal, source: Source, error: FilesUnreachable) -> FilesUnreachable:
    server = source.server(seal)
    try:
        shown = await host_key_shown(server)
    except FilesUnreachable as other:
        return other
    # only if it is still the same server that is spoken of
    sql = """UPDATE statement_sources SET offered_key = %(key)s
             WHERE account_id = %(id)s AND kind = 'sftp' AND host = %(host)s AND port = %(port)s"""
    about = {"key": shown, "id": source.account_id, "host": source.host, "port": source.port}
    async with db.reading() as rows:
        await rows.run(sql, about)
    return error
