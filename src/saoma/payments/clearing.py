"""Lines of daily files are kept for a while and then cleared, a part at a time; what was found in them stays.

A day keeps its lines while one of its differences is still somebody's work. A cleared day counts as read, and reads its
files anew when somebody brings them again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import msgspec
import structlog

from saoma.kit.clock import beijing_day
from saoma.kit.db import Database
from saoma.payments.reconciliation import Busy, alone

log = structlog.get_logger(__name__)

#: Lines that are deleted by one statement: nobody waits long for it, and a killed process loses little.
PART: Final = 20_000
#: Days that are cleared in one night at most; the rest waits for the next.
_DAYS: Final = 40


class _Old(msgspec.Struct, frozen=True):
    id: str
    account_id: str
    day: date


#: Over, looked through for what was never paid out (or twice as old), and nobody is at work on what was found.
_CLEARABLE: Final = """
SELECT r.id, r.account_id, r.day FROM recon_runs AS r
WHERE r.cleared_at IS NULL AND r.day < %(before)s
  AND EXISTS (SELECT FROM recon_files AS f WHERE f.run_id = r.id)
  AND (r.day < %(long_before)s OR (r.status = 'done' AND NOT EXISTS (
      SELECT FROM recon_files AS f WHERE f.run_id = r.id AND f.kind = 'trades' AND NOT f.aged)))
  AND NOT EXISTS (
      SELECT FROM recon_findings AS x LEFT JOIN cases AS c ON c.id = x.case_id
      WHERE x.account_id = r.account_id AND (x.run_id = r.id OR x.day = r.day) AND x.gone_at IS NULL
        AND c.status IS DISTINCT FROM 'closed')
ORDER BY r.day, r.id LIMIT %(days)s
"""
#: What a killed process left half cleared.
_HALF: Final = """
SELECT r.id, r.account_id, r.day FROM recon_runs AS r WHERE r.cleared_at IS NOT NULL AND EXISTS (
    SELECT FROM recon_files AS f JOIN recon_lines AS l ON l.file_id = f.id WHERE f.run_id = r.id)
ORDER BY r.day, r.id LIMIT %(days)s
"""
_MARK: Final = """
WITH cleared AS (
    UPDATE recon_runs SET cleared_at = coalesce(cleared_at, %(now)s) WHERE id = %(run)s RETURNING id
)
UPDATE recon_files SET complete = false, loaded = 0, matched = 0 FROM cleared WHERE run_id = cleared.id
"""
_DELETE: Final = """
DELETE FROM recon_lines AS l USING (
    SELECT file_id, place FROM recon_lines
    WHERE file_id IN (SELECT id FROM recon_files WHERE run_id = %(run)s) LIMIT %(part)s
) AS part WHERE l.file_id = part.file_id AND l.place = part.place
"""


async def clear_old_lines(db: Database, now: datetime, keep: timedelta, *, part: int = PART) -> int:
    """Clear the lines of days that have been over for longer than `keep`; how many lines that were."""
    today = beijing_day(now)
    span = {"before": today - keep, "long_before": today - 2 * keep, "days": _DAYS}
    async with db.reading() as rows:
        old = await rows.rows(_Old, _HALF, span) + await rows.rows(_Old, _CLEARABLE, span)
    total = 0
    for run in old:
        try:
            async with alone(db, run.account_id, run.day):
                total += await _clear(db, run, now, part)
        except Busy:
            log.info("reconciliation.clearing_busy", run=run.id)
    return total


async def _clear(db: Database, run: _Old, now: datetime, part: int) -> int:
    # From here on the day has no lines, whether they are still there or not: nothing is concluded from what is left.
    async with db.transaction() as tx:
        await tx.run(_MARK, {"run": run.id, "now": now})
    cleared = 0
    while True:
        async with db.transaction() as tx:
            gone = await tx.run(_DELETE, {"run": run.id, "part": part})
        cleared += gone
        if gone < part:
            break
    log.info("reconciliation.cleared", day=str(run.day), account=run.account_id, lines=cleared)
    return cleared
