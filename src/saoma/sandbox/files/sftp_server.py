"""A real SFTP server over the daily files: each partner logs in with its PID and sees its own folder, read-only.

Nothing lies on a disk: a file is written when it is opened, so there is no path that could lead out of the folder
(https://docs.antom.com/ac/barcode_hk/sftp)."""

from __future__ import annotations

import hmac
import secrets
import stat
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import asyncssh
from asyncssh import SFTPAttrs, SFTPName, SFTPNoSuchFile, SFTPPermissionDenied

from saoma.sandbox.book.partners import Partners
from saoma.sandbox.files.daily_files import DailyFiles

_FOLDER: Final = SFTPAttrs(type=asyncssh.FILEXFER_TYPE_DIRECTORY, size=0, permissions=stat.S_IFDIR | 0o555, nlink=1)
#: Whatever would change something.
_FORBIDDEN: Final = (
    *("write", "setstat", "lsetstat", "fsetstat", "remove", "mkdir", "rmdir", "rename", "posix_rename", "symlink"),
    *("link", "lock", "unlock", "readlink", "open56", "statvfs", "fstatvfs", "fsync"),
)


def new_host_key() -> str:
    """A private key by which clients know the server."""
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


def public_half(private: str) -> str:
    """The line that a client pins."""
    return asyncssh.import_private_key(private).export_public_key().decode().strip()


class SftpServer:
    """Serves every partner its own files. `password` tells the one of a partner."""

    def __init__(self, files: DailyFiles, partners: Partners, password: Callable[[str], str]) -> None:
        self.files = files
        self.partners = partners
        self.password = password
        self._listening: asyncssh.SSHAcceptor | None = None

    async def open(self, host: str, port: int, private_key: str) -> int:
        """Listen, and tell where. Raises `OSError` when the port is in use."""
        self._listening = await asyncssh.listen(
            host, port, server_host_keys=[asyncssh.import_private_key(private_key)],
            server_factory=lambda: _Login(self), sftp_factory=lambda channel: _Folder(channel, self.files),
            allow_scp=False, encoding=None,
        )  # fmt: skip
        return self._listening.get_port()

    async def close(self) -> None:
        """Let everybody go."""
        if self._listening is not None:
            self._listening.close()
            await self._listening.wait_closed()
            self._listening = None


class _Login(asyncssh.SSHServer):
    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        known = self._server.partners.find(username) is not None
        expected = self._server.password(username) if known else secrets.token_urlsafe(12)
        return hmac.compare_digest(expected.encode(), password.encode()) and known


class _Folder(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], files: DailyFiles) -> None:
        super().__init__(channel)
        self._files = files
        self._partner = str(channel.get_extra_info("username"))

    def realpath(self, path: bytes) -> bytes:
        return b"/" + _name(path)

    def stat(self, path: bytes) -> SFTPAttrs:
        name = _name(path)
        return _FOLDER if not name else _attributes(self._read(name))

    def lstat(self, path: bytes) -> SFTPAttrs:
        return self.stat(path)

    def fstat(self, file_obj: object) -> SFTPAttrs:
        assert isinstance(file_obj, bytes)
        return _attributes(file_obj)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        if _name(path):
            raise SFTPNoSuchFile("no such folder")
        yield SFTPName(b".", attrs=_FOLDER)
        for name in self._files.names(self._partner):
            yield SFTPName(name.encode(), attrs=_attributes(self._read(name.encode())))

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        if pflags & ~asyncssh.FXF_READ:
            raise SFTPPermissionDenied("this folder is read-only")
        return self._read(_name(path))

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        assert isinstance(file_obj, bytes)
        return file_obj[offset : offset + size]

    def close(self, file_obj: object) -> None:
        return None

    def _read(self, name: bytes) -> bytes:
        content = self._files.read(self._partner, name.decode(errors="replace"))
        if content is None:
            raise SFTPNoSuchFile("no such file")
        return content


def _forbid(*_args: Any, **_more: Any) -> Any:
    raise SFTPPermissionDenied("this folder is read-only")


for _what in _FORBIDDEN:
    setattr(_Folder, _what, _forbid)


def _name(path: bytes) -> bytes:
    """A flat folder: whatever way a path takes, only its last part counts."""
    last = path.rstrip(b"/").rpartition(b"/")[2]
    return b"" if last in (b"", b".", b"..") else last


def _attributes(content: bytes) -> SFTPAttrs:
    return SFTPAttrs(type=asyncssh.FILEXFER_TYPE_REGULAR, size=len(content), permissions=stat.S_IFREG | 0o444, nlink=1)
