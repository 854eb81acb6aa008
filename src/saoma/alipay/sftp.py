"""Fetches daily files from Alipay's SFTP server: the host's key is pinned, and a cut off file is gone on with.

A file is whole when it is as long as the server says; only then does it get its name
(https://docs.antom.com/ac/barcode_hk/sftp). The SSH library is loaded by whoever fetches first: it is a seventh of what
every process would have to load at its start."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import structlog

from saoma.kit.errors import SaomaError

if TYPE_CHECKING:
    import asyncssh

log = structlog.get_logger(__name__)

_CHUNK: Final = 256 * 1024
_LIMIT: Final = 8 * 1024**3


class FilesUnreachable(SaomaError):
    """The daily files can't be fetched now; the text says why."""


@dataclass(frozen=True)
class SftpServer:
    """Where the files are and who we are there. `host_key` is the server's public key, as in `known_hosts`.

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
            async with asyncio.timeout(limit), _connected(server) as client:
                found = [await _fetch(client, server.folder, name, into) for name in names]
            return [path for path in found if path is not None]
        except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied, asyncssh.KeyImportError) as error:
            raise FilesUnreachable(_why(server, error)) from None
        except (OSError, asyncssh.Error, TimeoutError) as error:
            log.warning("sftp.try_failed", host=server.host, number=number + 1, error=_why(server, error))
            if number + 1 == tries:
                raise FilesUnreachable(_why(server, error)) from None
        await asyncio.sleep(pause * 2**number)
    raise FilesUnreachable("no try was allowed")


def _why(server: SftpServer, error: Exception) -> str:
    import asyncssh

    where = f"{server.host}:{server.port}"
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return f"{where} shows another host key than the one we know: nothing was sent there"
        case asyncssh.PermissionDenied():
            return f"{where} does not let {server.username} in: check password, key and the list of allowed addresses"
        case asyncssh.KeyImportError():
            return f"a key for {where} can't be read: {error}"
        case TimeoutError():
            return f"{where} took too long"
        case _:
            return f"{where}: {error}"


@asynccontextmanager
async def _connected(server: SftpServer) -> AsyncIterator[asyncssh.SFTPClient]:
    import asyncssh

    pinned = asyncssh.import_public_key(server.host_key)
    keys = [asyncssh.import_private_key(server.private_key)] if server.private_key else None
    async with (
        asyncssh.connect(
            server.host, server.port, username=server.username, password=server.password or None, client_keys=keys,
            known_hosts=([pinned], [], []), agent_path=None, config=[], connect_timeout=15, login_timeout=15,
            keepalive_interval=15,
        ) as connection,
        connection.start_sftp_client() as client,
    ):  # fmt: skip
        yield client


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
