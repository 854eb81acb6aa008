"""Roads between processes that can be broken: small TCP proxies which cut what runs through them, on demand.

A cut in the middle of an answer is the hardest message of all: the work was done and nobody heard of it. A hole is
worse than a cut to whoever waits without a limit: what is sent into it is gone, and no end comes either."""

from __future__ import annotations

import asyncio
from typing import Any, cast


class Road:
    """One proxy on a port of this machine. `target` is (host, port), or the path of a Unix socket."""

    def __init__(self, name: str, target: tuple[str, int] | str = "") -> None:
        self.name = name
        self.target = target
        self.port = 0
        self.cuts = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[_Near] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._shorten: list[int] = []
        self._hole: asyncio.TimerHandle | None = None

    @property
    def url(self) -> str:
        """The near end, for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Begin to listen on any free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let go of everything."""
        if self._server is not None:
            self._server.close()
        self._fill()
        for pair in list(self._pairs):
            pair.abort()
        for task in list(self._tasks):
            task.cancel()

    def cut(self) -> None:
        """Break every connection now, whatever is on its way."""
        self._shorten.clear()
        for pair in list(self._pairs):
            self.cuts += 1
            pair.abort()

    def shorten(self, size: int) -> None:
        """Let only `size` bytes of the next answer through, then break its connection."""
        self._shorten.append(size)

    def swallow(self, seconds: float) -> None:
        """Forward nothing for so long: not on what is open, nor on what is opened meanwhile, and nobody is told.

        Afterwards all who fell in are reset, as by a router that came back and knows nothing of them."""
        self._shorten.clear()
        self.cuts += 1
        for pair in self._pairs:
            pair.lost = True
        if self._hole is not None:
            self._hole.cancel()
        self._hole = asyncio.get_running_loop().call_later(seconds, self._fill)

    def _fill(self) -> None:
        """The hole is over."""
        if self._hole is not None:
            self._hole.cancel()
            self._hole = None
        for pair in [pair for pair in self._pairs if pair.lost]:
            pair.abort()

    def mend(self) -> None:
        """Break nothing any more."""
        self._shorten.clear()
        self._fill()

    def passed(self, data: bytes) -> tuple[bytes, bool]:
        """What of an answer comes through, and whether its connection breaks behind it."""
        if not self._shorten:
            return data, False
        self.cuts += 1
        return data[: self._shorten.pop()], True

    def begin(self, near: _Near) -> None:
        """A connection came in: connect its far end."""
        self._pairs.add(near)
        if self._hole is not None:
            near.lost = True
            return
        task = asyncio.get_running_loop().create_task(self._reach(near))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self, near: _Near) -> None:
        """A connection is over."""
        self._pairs.discard(near)

    async def _reach(self, near: _Near) -> None:
        loop = asyncio.get_running_loop()
        far = _Far(self, near)
        try:
            if isinstance(self.target, str):
                await loop.create_unix_connection(lambda: far, self.target)
            else:
                await loop.create_connection(lambda: far, *self.target)
        except OSError:
            near.abort()


class _End(asyncio.Protocol):
    """One end of a connection; what it is sent before the other end is there waits."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        for data in self._waiting:
            self._transport.write(data)
        self._waiting.clear()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        other, self.other = self.other, None
        if self._transport is not None:
            self._transport.abort()
        if other is not None:
            other.abort()

    def pause_writing(self) -> None:
        self._flow("pause_reading")

    def resume_writing(self) -> None:
        self._flow("resume_reading")

    def _flow(self, what: str) -> None:
        transport: Any = self.other._transport if self.other is not None else None
        if transport is not None and not transport.is_closing():
            getattr(transport, what)()


class _Near(_End):
    #: Whether it fell into a hole: nothing it says or is told comes through any more.
    lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._early: list[bytes] = []
        self._road.begin(self)

    def data_received(self, data: bytes) -> None:
        if self.lost:
            return
        if self.other is None:
            self._early.append(data)
        else:
            self.other.send(data)

    def reached(self, far: _Far) -> None:
        self.other = far
        if self._transport is None or self._transport.is_closing():
            far.close()
            return
        for data in self._early:
            far.send(data)
        self._early.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        self._road.end(self)
        if self.other is not None:
            self.other.close()


class _Far(_End):
    def __init__(self, road: Road, near: _Near) -> None:
        super().__init__(road)
        self.other = near
        self._near = near

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._near.reached(self)

    def data_received(self, data: bytes) -> None:
        if self._near.lost:
            return
        data, broken = self._road.passed(data)
        self._near.send(data)
        if broken:
            # what was let through leaves before the end comes
            self._near.close()
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._near.lost:
            self._near.close()
