"""A look at an SFTP server without fetching: which files are there, and which host key it shows to whoever asks.

Accepting a host key is a person's decision: here it is only asked for, over a connection that proves nothing."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import importlib
from typing import Final

from saoma.alipay.sftp import FilesUnreachable, SftpServer, connected, open_socket, unreachable

#: One look as a whole, in seconds, and how many names it reads.
_LIMIT: Final = 25.0
_MOST_NAMES: Final = 20_000


async def names_there(server: SftpServer) -> list[str]:
    """The names in the server's folder. Raises `FilesUnreachable`."""
    await asyncio.to_thread(importlib.import_module, "asyncssh")
    import asyncssh

    names: list[str] = []
    try:
        async with asyncio.timeout(_LIMIT), connected(server) as client:
            async for entry in client.scandir(server.folder or "."):
                names.append(str(entry.filename))
                if len(names) >= _MOST_NAMES:
                    break
    except (FilesUnreachable, OSError, asyncssh.Error, ValueError) as error:
        raise unreachable(server, error) from None
    return [name for name in names if name not in (".", "..")]


async def host_key_shown(server: SftpServer) -> str:
    """The host key that whoever answers there shows now, as in `known_hosts`. Raises `FilesUnreachable`."""
    await asyncio.to_thread(importlib.import_module, "asyncssh")
    import asyncssh

    try:
        async with asyncio.timeout(_LIMIT):
            key = await asyncssh.get_server_host_key(sock=await open_socket(server), config=[])
    except (OSError, asyncssh.Error, ValueError) as error:
        raise unreachable(server, error) from None
    if key is None:
        raise FilesUnreachable(f"{server.host}:{server.port} shows no host key")
    kind, text, *_ = key.export_public_key().decode().split()
    return f"{kind} {text}"


async def check_private_key(text: str) -> str:
    """Why a private key can't be used, or nothing: `unreadable`, or `locked` by a passphrase."""
    await asyncio.to_thread(importlib.import_module, "asyncssh")
    import asyncssh

    try:
        asyncssh.import_private_key(text)
    except asyncssh.KeyEncryptionError:
        return "locked"
    except ValueError as error:
        return "locked" if "passphrase" in str(error).lower() else "unreadable"
    return ""


def fingerprint(host_key: str) -> str:
    """A host key's SHA-256 fingerprint as `ssh-keygen -l` tells it; empty for none. Pure."""
    parts = host_key.split()
    try:
        blob = base64.b64decode(parts[1] if len(parts) > 1 else "", validate=True)
    except binascii.Error:
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""
