"""Object storage: a folder on one machine, or S3 for many; same few verbs.

Keys are content-addressed by their callers, so an object never changes once written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from saoma.kit.errors import Invalid, NotFound, Refused

log = structlog.get_logger(__name__)


class StorageAway(Refused):
    """The storage has no room, may not be written, or does not answer; what was there is as it was."""

    status = 503


class Storage:
    """Objects by key. Keys are ours: letters, digits, dots, dashes and slashes."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @classmethod
    def at(cls, url: str) -> Storage:
        """`memory:`, a folder's path, or `s3://bucket/prefix` (credentials from the usual AWS_ variables)."""
        if url == "memory:":
            return cls(MemoryStore())
        if url.startswith("s3://"):
            return cls(S3Store.from_url(url))
        folder = Path(url)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(prefix=folder))

    async def put(self, key: str, content: bytes) -> None:
        """Write an object, replacing what has this key. Raises `Invalid` for a strange key, `StorageAway`."""
        try:
            await obstore.put_async(self._store, _checked(key), content)
        except (BaseError, OSError) as error:
            log.error("storage.away", key=key, error=str(error).partition("\n")[0])
            raise StorageAway(
                "This file could not be kept: there is no room for it, or the storage does not answer. "
                "Nothing was changed. Try again in a moment."
            ) from error

    async def get(self, key: str) -> bytes:
        """An object's content. Raises `NotFound`, `StorageAway`."""
        try:
            answer = await obstore.get_async(self._store, _checked(key))
            return bytes(await answer.bytes_async())
        except FileNotFoundError:
            raise NotFound("This file is not here any more.") from None
        except (BaseError, OSError) as error:
            log.error("storage.away", key=key, error=str(error).partition("\n")[0])
            raise StorageAway("This file can't be read at the moment. Try again.") from error

    async def has(self, key: str) -> bool:
        """Whether an object is there."""
        try:
            await obstore.head_async(self._store, _checked(key))
        except FileNotFoundError:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Remove an object if it is there."""
        if await self.has(key):
            await obstore.delete_async(self._store, _checked(key))


def _checked(key: str) -> str:
    parts = key.split("/")
    clean = all(part and part.strip(".") and all(c.isalnum() or c in "-_." for c in part) for part in parts)
    if not clean or not key.isascii() or len(key) > 200:
        raise Invalid("an object's key is made of letters, digits, dots, dashes and slashes")
    return key
