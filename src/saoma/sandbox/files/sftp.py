"""The daily files' SFTP as the sandbox keeps it: a host key, a password for each partner, and a server if wanted.

The server itself is `sftp_server`, which is loaded only then: asyncssh takes as long to load as the web framework."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.store import Store
from saoma.sandbox.files.daily_files import DailyFiles

if TYPE_CHECKING:
    from saoma.sandbox.files.sftp_server import SftpServer


class SftpAccess(msgspec.Struct):
    """How a partner reaches its files. `host_key` is what a client must pin."""

    host: str
    port: int
    username: str
    password: str
    host_key: str


class SftpDoor:
    """The server with its key and its passwords, which outlive the process."""

    def __init__(self, files: DailyFiles, partners: Partners, store: Store) -> None:
        self._files = files
        self._partners = partners
        self._store = store
        self._server: SftpServer | None = None
        self.host = ""
        self.port = 0

    def access(self, partner: str) -> SftpAccess:
        """What a partner is told by post in real life."""
        from saoma.sandbox.files.sftp_server import public_half

        return SftpAccess(self.host, self.port, partner, self.password(partner), public_half(self._host_key()))

    def password(self, partner: str) -> str:
        """A partner's password, made when it is first asked for."""
        known = self._store.one("sftp_password", partner, str)
        if known is None:
            known = secrets.token_urlsafe(12)
            self._store.keep("sftp_password", partner, known)
        return known

    async def open(self, host: str, port: int) -> None:
        """Listen; port 0 takes any. Raises `OSError` when the port is in use."""
        from saoma.sandbox.files.sftp_server import SftpServer

        server = SftpServer(self._files, self._partners, self.password)
        self.port = await server.open(host, port, self._host_key())
        self.host, self._server = host, server

    async def close(self) -> None:
        """Let everybody go."""
        if self._server is not None:
            await self._server.close()
            self._server = None

    def _host_key(self) -> str:
        from saoma.sandbox.files.sftp_server import new_host_key

        private = self._store.one("key", "sftp", str)
        if private is None:
            private = new_host_key()
            self._store.keep("key", "sftp", private)
        return private
