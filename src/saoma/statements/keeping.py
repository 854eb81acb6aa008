"""Saying where an account's daily files come from, as operators do: kept, changed, stopped, its host key accepted.

Secrets go in and never come out. A password that was kept for one server is not sent to another: whoever names another
host or port enters it anew, and accepts that server's host key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Final

from saoma.alipay.sftp_look import check_private_key, fingerprint
from saoma.identity import audit
from saoma.kit.addresses import allowed, is_literal
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.seal import Seal
from saoma.statements.sources import Source, sources

#: What kinds there are for an account at Alipay itself, and for one at an acquirer.
KINDS: Final = {"direct": ("sftp", "folder", "upload"), "acquirer": ("acquirer",)}
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an operator typed. A secret that is left empty stays as it is; `drop_*` takes it away."""

    kind: str
    since: date
    folder: str = ""
    host: str = ""
    port: int = 22
    username: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    drop_password: bool = False
    drop_private_key: bool = False
    fee_rate: Decimal | None = None
    refund_fee: str = "returned"
    grace_days: int = 4


_COLUMNS: Final = (
    *("account_id", "kind", "folder", "host", "port", "username", "password", "private_key", "host_key", "offered_key"),
    *("fee_rate", "refund_fee", "grace_days", "since"),
)
_KEEP: Final = f"""
INSERT INTO statement_sources ({", ".join(_COLUMNS)}) VALUES ({", ".join(f"%({name})s" for name in _COLUMNS)})
ON CONFLICT (account_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}
"""  # noqa: S608
_LOCK: Final = "SELECT id FROM accounts WHERE id = %(id)s FOR NO KEY UPDATE"


async def source(rows: Rows, account_id: str) -> Source | None:
    """An account's source, if somebody said where its files come from or its acquirer tells."""
    found = await sources(rows, account_id)
    return found[0] if found else None


async def keep_source(
    tx: Transaction, seal: Seal, clock: Clock, account_id: str, channel: str, wish: Wish, *, by: str
) -> None:
    """Keep it. Raises `Invalid` with what could not work."""
    await tx.run(_LOCK, {"id": account_id})
    before = await source(tx, account_id)
    if wish.kind not in KINDS.get(channel, ()):
        raise Invalid("Daily files come by SFTP, from a folder or by hand; an acquirer tells its own.")
    _check_terms(wish)
    kept: dict[str, Any] = dict.fromkeys(("folder", "host", "username", "password", "private_key"), "")
    kept |= {"host_key": "", "offered_key": "", "port": 22, "account_id": account_id}
    kept |= {name: getattr(wish, name) for name in ("kind", "since", "fee_rate", "refund_fee", "grace_days")}
    match wish.kind:
        case "sftp":
            kept |= await _sftp(seal, wish, before if before and before.kind == "sftp" else None)
        case "folder":
            kept["folder"] = _folder(wish.folder)
    await tx.run(_KEEP, kept)
    untold = ("password", "private_key", "offered_key", "account_id", "host_key")
    told = {name: str(value) for name, value in kept.items() if name not in untold and value not in ("", None)}
    told |= {name: "sealed" for name in ("password", "private_key") if kept[name]}
    if wish.kind != "sftp":
        told.pop("port")
    what = "source_changed" if before is not None else "source_added"
    await audit.note(tx, clock, who=by, what=what, subject=account_id, detail=told)


def _check_terms(wish: Wish) -> None:
    if wish.fee_rate is not None and not 0 <= wish.fee_rate < 1:
        raise Invalid("The fee is a percentage from 0 to below 100, such as 1.2; leave it empty if you don't know it.")
    if wish.refund_fee not in ("returned", "kept") or not 0 <= wish.grace_days <= 60:
        raise Invalid("Look at what you entered and try again. Nothing was changed.")
    if not date(2015, 1, 1) <= wish.since <= date(2100, 1, 1):
        raise Invalid("Give the first day whose files are to be fetched.")


def _folder(text: str) -> str:
    folder = text.strip()
    if not folder or len(folder) > 400 or not folder.isprintable():
        raise Invalid("Name the folder that holds the files.")
    if not PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts:
        raise Invalid("Give the whole path of the folder, from / on.")
    return folder


async def _sftp(seal: Seal, wish: Wish, before: Source | None) -> dict[str, Any]:
    host, username, folder = wish.host.strip().strip("[]"), wish.username.strip(), wish.folder.strip()
    if is_literal(host):
        if not allowed(host, loopback=True, own_network=True):
            raise Invalid("This is no address of a server: clouds and networks keep it for themselves.")
    elif not _HOST.fullmatch(host):
        raise Invalid("The host is a name such as sftp.alipay.com or an address, without sftp:// and without a path.")
    if wish.port != 22 and not 1024 <= wish.port <= 65535:
        raise Invalid("The port is 22, or 1024 and above.")
    if not username or len(username) > 100 or not username.isprintable():
        raise Invalid("Enter the user name that Alipay gave you.")
    if len(folder) > 400 or not folder.isprintable():
        raise Invalid("Look at what you entered and try again. Nothing was changed.")
    moved = before is not None and (before.host, before.port) != (host, wish.port)
    password = "" if before is None or wish.drop_password else before.password
    if moved and password and not wish.password:
        raise Invalid("This is another server. Enter the password again: the kept one is not sent elsewhere.")
    if wish.password:
        if len(wish.password) > 1000 or not wish.password.isprintable():
            raise Invalid("The password holds something that can't be typed. Copy it again.")
        password = seal.seal(wish.password)
    key = "" if before is None or wish.drop_private_key else before.private_key
    if wish.private_key.strip():
        pasted = wish.private_key.replace("\r\n", "\n").strip() + "\n"
        match await check_private_key(pasted):
            case "locked":
                raise Invalid("This private key is locked with a passphrase. Paste it without one; it is sealed here.")
            case "unreadable":
                raise Invalid("This private key can't be read. Paste the whole file, its first and last line included.")
        key = seal.seal(pasted)
    if not password and not key:
        raise Invalid("Give a password or a private key.")
    known = before is not None and not moved
    return {
        "host": host,
        "port": wish.port,
        "username": username,
        "folder": folder,
        "password": password,
        "private_key": key,
        "host_key": before.host_key if before is not None and known else "",
        "offered_key": before.offered_key if before is not None and known else "",
    }


async def accept_host_key(tx: Transaction, clock: Clock, account_id: str, seen: str, *, by: str) -> None:
    """From now on this is the server's host key. `seen` is the fingerprint that the person looked at.

    Raises `Conflict` where the server has shown another one since."""
    await tx.run(_LOCK, {"id": account_id})
    before = await source(tx, account_id)
    if before is None or before.kind != "sftp" or not seen or fingerprint(before.offered_key) != seen:
        raise Conflict("The server has shown another host key since. Look again before you accept it.")
    sql = "UPDATE statement_sources SET host_key = offered_key, offered_key = '' WHERE account_id = %(id)s"
    await tx.run(sql, {"id": account_id})
    detail = {"host": before.host, "fingerprint": seen, "before": fingerprint(before.host_key)}
    await audit.note(tx, clock, who=by, what="source_host_key_accepted", subject=account_id, detail=detail)


_STOP: Final = "UPDATE statement_sources SET stopped_at = coalesce(stopped_at, %(now)s) WHERE account_id = %(id)s"
#: An acquirer's needs no row before.
_STOP_NEW: Final = """
INSERT INTO statement_sources (account_id, kind, since, stopped_at) VALUES (%(id)s, %(kind)s, %(since)s, %(now)s)
"""


async def stop_source(tx: Transaction, clock: Clock, account_id: str, *, by: str, reason: str) -> None:
    """Fetch nothing more; what was read stays. Raises `Invalid`."""
    await tx.run(_LOCK, {"id": account_id})
    known = await source(tx, account_id)
    if known is None or not reason.strip():
        raise Invalid("Write why: days that are not compared are days on which nobody looks.")
    about = {"id": account_id, "kind": known.kind, "since": known.since, "now": clock.now()}
    if not await tx.run(_STOP, about):
        await tx.run(_STOP_NEW, about)
    await audit.note(
        tx, clock, who=by, what="source_stopped", subject=account_id, detail={"reason": reason.strip()[:200]}
    )


async def resume_source(tx: Transaction, clock: Clock, account_id: str, *, by: str) -> None:
    """Fetch again; the last seven days are caught up with."""
    sql = "UPDATE statement_sources SET stopped_at = NULL WHERE account_id = %(id)s AND stopped_at IS NOT NULL"
    if await tx.run(sql, {"id": account_id}):
        await audit.note(tx, clock, who=by, what="source_resumed", subject=account_id)
