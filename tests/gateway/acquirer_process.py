"""An acquirer's application as a process of its own, to be killed: `python -m tests.gateway.acquirer_process WORDS`.

Its clock runs beside the sandbox's, so many seconds away from the machine's."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from granian.constants import Interfaces
from granian.server.embed import Server

from saoma.app import Rooms, compose
from saoma.kit.follow import follow_parent
from saoma.settings import Settings
from tests.payments.make import Bills


class Beside:
    """The machine's time and a constant."""

    def __init__(self, seconds: float) -> None:
        self._away = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """An aware moment."""
        return datetime.now(UTC) + self._away


async def serve(words: dict[str, str]) -> None:
    """Answer until killed."""
    settings = Settings(
        database_url=words["database"],
        secret=words["secret"],
        public_url=words["public_url"],
        storage_url=words["storage"],
    )
    rooms = Rooms.build(settings, Beside(float(words["away"])), {"bill": Bills()})
    server = Server(compose(rooms), "127.0.0.1", int(words["port"]), interface=Interfaces.ASGI, log_enabled=False)
    await server.serve()


if __name__ == "__main__":
    follow_parent()
    asyncio.run(serve(json.loads(sys.argv[1])))
