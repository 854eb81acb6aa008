"""Fetches daily files from Alipay's SFTP server: the host's key is pinned, and a cut off file is gone on with.

A file is whole when it is as long as the server says; only then does it get its name
(https://docs.antom.com/ac/barcode_hk/sftp). The SSH library is loaded by whoever fetches first: it is a seventh of what
every process would have to load at its start."""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import structlog

from saoma.kit.addresses import AddressRefused, judged
from saoma.kit.errors import SaomaError

if TYPE_CHECKING:
    import asyncssh

log = structlog.get_logger(__name__)

_CHUNK: Final = 256 * 1024
_LIMIT: Final = 8 * 1024**3
_CONNECT: Final = 15


class Trouble(StrEnum):
    """Why files can't be fetched, in words that a page can tell in any language."""

    NAME_UNKNOWN = "name_unknown"
    NOT_ALLOWED = "not_allowed"
    REFUSED = "refused"
    SILENT = "silent"
    NOT_SSH = "not_ssh"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_DIFFERS = "host_key_differs"
    LOGIN_REFUSED = "login_refused"
    OWN_KEY_UNREADABLE = "own_key_unreadable"
    NO_SFTP = "no_sftp"
    FOLDER_MISSING = "folder_missing"
    FOLDER_CLOSED = "folder_closed"
    STOPPED = "stopped"
    NO_ROOM = "no_room"
    OTHER = "other"


class FilesUnreachable(SaomaError):
    """The daily files can't be fetched now; the text says why, and `trouble` of which kind it is."""

    def __init__(self, text: str, trouble: Trouble = Trouble.OTHER) -> None:
        super().__init__(text)
        self.trouble = trouble


#: Trying once more would only be locked out.
_FOR_GOOD: Final = frozenset(
    {Trouble.HOST_KEY_DIFFERS, Trouble.LOGIN_REFUSED, Trouble.OWN_KEY_UNREADABLE, Trouble.NOT_ALLOWED}
)


@dataclass(frozen=True)
class SftpServer:
    """Where the files are and who we are there. `host_key` is the server's public key, as in `known_hosts`; while it is
    empty nothing is fetched.

    Password, key or both; keys are OpenSSH or PEM texts. Nothing secret is in its `repr`."""

    host: str
    port: int
    username: str
    host_key: str
    password: str = field(repr=False, default="")
    private_key: str = field(repr=False, default="")
    folder: str = ""


async def fetch(
    server: SftpServer, names: Sequence[str], into: Path, *, tries: int = 4, pause: float = 1.0, limit: float = 600
) -> list[Path]:
    """Those of `names` that are there, as files in `into`. Raises `FilesUnreachable` after `tries`.

    Between tries it waits `pause` seconds, twice as long each time; `limit` is for one try as a whole."""
    # In a thread the first time: payments are not to wait for what takes half a second to load.
    await asyncio.to_thread(importlib.import_module, "asyncssh")
    import asyncssh

    await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
    for number in range(tries):
        try:
            async with asyncio.timeout(limit), connected(server) as client:
                found = [await _fetch(client, server.folder, name, into) for name in names]
            return [path for path in found if path is not None]
        except FilesUnreachable:
            raise
        except (OSError, asyncssh.Error, ValueError) as error:
            why = unreachable(server, error)
            if number + 1 == tries or why.trouble in _FOR_GOOD:
                raise why from None
            log.warning("sftp.try_failed", host=server.host, number=number + 1, error=str(why))
        await asyncio.sleep(pause * 2**number)
    raise FilesUnreachable("no try was allowed")


def unreachable(server: SftpServer, error: Exception) -> FilesUnreachable:
    """What an error on the way to a server means, in our words."""
    import asyncssh

    where = f"{server.host}:{server.port}"
    match error:
        case FilesUnreachable():
            return error
        case asyncssh.HostKeyNotVerifiable():
            what, kind = "shows another host key than the one we know: nothing was sent there", Trouble.HOST_KEY_DIFFERS
        case asyncssh.PermissionDenied():
            what = f"does not let {server.username} in: check password, key and the list of allowed addresses"
            kind = Trouble.LOGIN_REFUSED
        case ValueError():
            return FilesUnreachable(f"a key for {where} can't be read: {error}", Trouble.OWN_KEY_UNREADABLE)
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath() | asyncssh.SFTPNotADirectory():
            what, kind = f"has no folder {server.folder}", Trouble.FOLDER_MISSING
        case asyncssh.SFTPPermissionDenied():
            what, kind = f"does not let {server.username} read {server.folder or 'its folder'}", Trouble.FOLDER_CLOSED
        case asyncssh.ChannelOpenError():
            what, kind = "lets us in, but offers no SFTP", Trouble.NO_SFTP
        case AddressRefused():
            what, kind = f"may not be called: {error}", Trouble.NOT_ALLOWED
        case socket.gaierror():
            what, kind = "is a name nobody knows", Trouble.NAME_UNKNOWN
        case TimeoutError():
            what, kind = "took too long", Trouble.SILENT
        case ConnectionRefusedError():
            what, kind = "refuses connections", Trouble.REFUSED
        case asyncssh.ProtocolError() | asyncssh.KeyExchangeFailed():
            what, kind = f"does not speak SSH as we do: {error}", Trouble.NOT_SSH
        case asyncssh.ConnectionLost():
            what, kind = f"hung up: {error}", Trouble.NOT_SSH
        case _:
            what, kind = f"failed: {error or type(error).__name__}", Trouble.OTHER
    return FilesUnreachable(f"{where} {what}", kind)


@asynccontextmanager
async def connected(server: SftpServer) -> AsyncIterator[asyncssh.SFTPClient]:
    """Logged in there. Raises `FilesUnreachable`, and what `unreachable` reads."""
    import asyncssh

    if not server.host_key:
        raise FilesUnreachable(
            f"nobody has accepted the host key of {server.host}:{server.port} yet", Trouble.HOST_KEY_UNKNOWN
        )
    pinned = asyncssh.import_public_key(server.host_key)
    keys = [asyncssh.import_private_key(server.private_key)] if server.private_key else None
    sock = await open_socket(server)
    async with (
        asyncssh.connect(
            sock=sock, username=server.username, password=server.password or None, client_keys=keys,
            known_hosts=([pinned], [], []), agent_path=None, config=[],
            connect_timeout=_CONNECT, login_timeout=_CONNECT, keepalive_interval=15,
        ) as connection,
        connection.start_sftp_client() as client,
    ):  # fmt: skip
        yield client


async def open_socket(server: SftpServer) -> socket.socket:
    """A connection to one of the very addresses that were judged. Raises `OSError`, `AddressRefused` among them.

    A server beside us or in a network of one's own is no mistake here: files are often fetched through a tunnel. Who
    names it is an operator; nothing but an SSH greeting is sent before its host key has proven who it is."""
    loop = asyncio.get_running_loop()
    failed: OSError = TimeoutError("no address")
    async with asyncio.timeout(_CONNECT):
        for address in await judged(server.host, server.port, loopback=True, own_network=True):
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, (address, server.port))
            except OSError as error:
                sock.close()
                failed = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
    raise failed


async def _fetch(client: asyncssh.SFTPClient, folder: str, name: str, into: Path) -> Path | None:
    import asyncssh

    remote = f"{folder.rstrip('/')}/{name}" if folder else name
    try:
        size = (await client.stat(remote)).size or 0
    except asyncssh.SFTPNoSuchFile:
        return None
    if size > _LIMIT:
        raise FilesUnreachable(f"{name} is larger than any daily file ({size} bytes)")
    half, whole = into / f"{name}.part", into / name
    # a half that is longer than the file belongs to another one
    have = half.stat().st_size if half.exists() else 0
    have = have if have <= size else 0
    with half.open("r+b" if have else "wb") as out:
        out.seek(have)
        out.truncate()
        async with client.open(remote, "rb") as source:
            while have < size:
                chunk = await source.read(_CHUNK, have)
                if not chunk:
                    raise OSError(f"{name} ends after {have} of {size} bytes")
                out.write(cast(bytes, chunk))
                have += len(chunk)
        out.flush()
        os.fsync(out.fileno())
    half.replace(whole)
    return whole
