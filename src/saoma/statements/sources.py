"""Where an account's daily files come from: SFTP, a folder, an acquirer's API, or hands that upload them.

Files are kept in a folder of our own while they are worked on; what is loaded is in the database, so losing that folder
loses nothing."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from saoma.alipay.acquirer_client import AcquirerAccount, AcquirerClient
from saoma.alipay.acquirer_statement import ENDING, fetch_statement, open_acquirer_statement
from saoma.alipay.sftp import FilesUnreachable, SftpServer, Trouble, fetch
from saoma.alipay.statement import open_statement
from saoma.gateway import StatementUnreadable
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.payments.reconciliation import Terms
from saoma.payments.statement_lines import DailyFile

#: A ZIP that unpacks to more is a trap, no daily file.
_LARGEST: Final = 4 * 1024**3
#: Of a mainland bill's archive, the file with the sums: the one beside it has the lines.
_SUMMARY: Final = "汇总"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One account's source with what its contract says; `password` and `private_key` are sealed."""

    account_id: str
    partner: str = ""
    kind: str
    folder: str = ""
    host: str = ""
    port: int = 22
    username: str = ""
    password: str = ""
    private_key: str = ""
    host_key: str = ""
    fee_rate: Decimal | None = None
    refund_fee: str = "returned"
    grace_days: int = 4
    since: date
    #: Of an account at an acquirer: where that answers, our sealed key, our store there.
    url: str = ""
    api_key: str = ""
    store: str = ""
    environment: str = "sandbox"
    #: Since when nothing is fetched any more; and what the server shows as its host key while nobody accepted it.
    stopped_at: datetime | None = None
    offered_key: str = ""

    def terms(self) -> Terms:
        """What the contract says."""
        return Terms(
            partner=self.partner, since=self.since, fee_rate=self.fee_rate,
            refund_fee_kept=self.refund_fee == "kept", grace_days=self.grace_days, pays_out=self.kind != "acquirer",
        )  # fmt: skip

    def acquirer(self, seal: Seal) -> AcquirerAccount:
        """The account at the acquirer with its key opened. Raises `Invalid` for an account that is at none."""
        key = seal.open(self.api_key) if self.api_key else ""
        return AcquirerAccount(url=self.url, api_key=key, store=self.store, environment=self.environment)

    def server(self, seal: Seal) -> SftpServer:
        """The SFTP server with its secrets opened."""
        opened = [seal.open(text) if text else "" for text in (self.password, self.private_key)]
        return SftpServer(self.host, self.port, self.username, self.host_key, opened[0], opened[1], self.folder)


_KEPT: Final = (
    *("account_id", "kind", "folder", "host", "port", "username", "password", "private_key", "host_key"),
    *("fee_rate", "refund_fee", "grace_days", "since"),
)
#: An account at an acquirer needs no source to be set: the acquirer's API is one, from the account's first day on.
_SOURCES: Final = f"""
WITH known AS (
    SELECT {", ".join(_KEPT)}, stopped_at, offered_key FROM statement_sources
    UNION ALL
    SELECT a.id, 'acquirer', '', '', 22, '', '', '', '', NULL, 'returned', 4,
        (a.created_at AT TIME ZONE interval '8 hours')::date, NULL, ''
    FROM accounts AS a JOIN acquirers AS q ON q.account_id = a.id
    WHERE NOT EXISTS (SELECT FROM statement_sources AS s WHERE s.account_id = a.id)
)
SELECT {", ".join("s." + name for name in _KEPT)}, s.stopped_at, s.offered_key, a.partner, a.environment,
    coalesce(q.url, '') AS url, coalesce(q.api_key, '') AS api_key, coalesce(q.store, '') AS store
FROM known AS s JOIN accounts AS a ON a.id = s.account_id
LEFT JOIN acquirers AS q ON q.account_id = s.account_id
WHERE %(account)s = '' OR s.account_id = %(account)s ORDER BY s.account_id
"""  # noqa: S608
_SET: Final = f"""
INSERT INTO statement_sources ({", ".join(_KEPT)}) VALUES ({", ".join(f"%({name})s" for name in _KEPT)})
ON CONFLICT (account_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _KEPT[1:])}
"""  # noqa: S608


async def sources(rows: Rows, account_id: str = "") -> list[Source]:
    """Every account's source, or one account's; those that were stopped among them."""
    return await rows.rows(Source, _SOURCES, {"account": account_id})


async def set_source(tx: Transaction, seal: Seal, source: Source) -> None:
    """Say where an account's files come from. Secrets are given in the clear and sealed here. Raises `Invalid`."""
    if source.kind not in ("sftp", "folder", "upload", "acquirer"):
        raise Invalid("Daily files come by sftp, from a folder, from an acquirer, or by upload.")
    if source.kind == "sftp" and not (source.host and source.username and source.host_key):
        raise Invalid("SFTP needs a host, a user name and the server's host key.")
    if source.kind == "folder" and not source.folder:
        raise Invalid("Name the folder that holds the files.")
    values = {name: getattr(source, name) for name in _KEPT}
    values |= {name: seal.seal(values[name]) if values[name] else "" for name in ("password", "private_key")}
    await tx.run(_SET, values)


def names_of(partner: str, day: date) -> list[str]:
    """What a day's files are called (https://docs.antom.com/ac/globalbarcode/reconciliation)."""
    stem = f"{day:%Y%m%d}"
    return [
        f"{partner}_transaction_{stem}.txt", f"{partner}_settlement_{stem}.txt", f"{partner}_fptrade_{stem}.csv",
        f"{partner}_settle_{stem}.csv", f"{partner}_{stem}.zip",
    ]  # fmt: skip


async def collect(source: Source, seal: Seal, day: date, spool: Path) -> list[DailyFile]:
    """A day's files that are there now. Raises `FilesUnreachable`, `StatementUnreadable`."""
    if source.stopped_at is not None:
        raise FilesUnreachable("fetching this account's daily files was stopped", Trouble.STOPPED)
    try:
        return await _collect(source, seal, day, spool)
    except OSError as error:
        why = f"they can't be kept here while they are read: {error.strerror or error}"
        raise FilesUnreachable(why, Trouble.NO_ROOM) from None


def new_spool() -> Path:
    """A folder of our own for files while they are worked on. A full disk stops no worker: it shows at the first file.

    Whoever gets no folder in the usual places works beside itself, where it will be told that there is no room."""
    try:
        return Path(tempfile.mkdtemp(prefix="saoma-files-"))
    except OSError:
        return Path("saoma-files")


async def _collect(source: Source, seal: Seal, day: date, spool: Path) -> list[DailyFile]:
    names, into = names_of(source.partner, day), spool / source.account_id
    match source.kind:
        case "sftp":
            paths: Sequence[Path] = await fetch(source.server(seal), names, into)
        case "acquirer":
            async with AcquirerClient(read_seconds=30) as client:
                paths = [await fetch_statement(client, source.acquirer(seal), day, into)]
        case "folder":
            there = set(await folder_names(source.folder))
            paths = [Path(source.folder) / name for name in names if name in there]
        case _:
            paths = [path for name in names if (path := into / name).is_file()]
    return [await asyncio.to_thread(daily_file, path, into) for path in paths]


async def folder_names(folder: str) -> list[str]:
    """The files in a folder. Raises `FilesUnreachable`: a folder that is missing is not an empty one."""
    try:
        return await asyncio.to_thread(lambda: [path.name for path in Path(folder).iterdir() if path.is_file()])
    except (FileNotFoundError, NotADirectoryError):
        raise FilesUnreachable(f"there is no folder {folder}", Trouble.FOLDER_MISSING) from None
    except PermissionError:
        raise FilesUnreachable(f"{folder} may not be read", Trouble.FOLDER_CLOSED) from None


def daily_file(path: Path, spool: Path) -> DailyFile:
    """A file on disk; a ZIP is unpacked into `spool`. Raises `StatementUnreadable`, `OSError`."""
    if zipfile.is_zipfile(path):
        path = _unpacked(path, spool)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    opened = open_acquirer_statement if path.name.endswith(ENDING) else open_statement
    return DailyFile(path.name, digest, lambda: opened(path.open("rb"), path.name))


def _unpacked(path: Path, spool: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [
                one for one in archive.infolist()
                if one.filename.lower().endswith((".csv", ".txt")) and _SUMMARY not in _name(one)
            ]  # fmt: skip
            if len(parts) != 1:
                raise StatementUnreadable(f"{path.name}: holds {len(parts)} files of lines where one is expected")
            if parts[0].file_size > _LARGEST:
                raise StatementUnreadable(f"{path.name}: unpacks to more than any daily file")
            spool.mkdir(parents=True, exist_ok=True)
            # the archive's own names are never used as paths
            target = spool / f"{path.stem}.unpacked{Path(parts[0].filename).suffix.lower()}"
            with archive.open(parts[0]) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1024 * 1024)
            return target
    except OSError as error:
        # A directory that points outside the file: seeking there is refused by the system. Other trouble is the disk's.
        if error.errno != errno.EINVAL:
            raise
        raise StatementUnreadable(f"{path.name}: this archive can't be unpacked: {error}") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise StatementUnreadable(f"{path.name}: this archive can't be unpacked: {error}") from None


def _name(part: zipfile.ZipInfo) -> str:
    """A member's name; old archives write it in GBK and say nothing about it."""
    if part.flag_bits & 0x800:
        return part.filename
    return part.filename.encode("cp437", errors="replace").decode("gbk", errors="replace")
