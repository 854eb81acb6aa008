"""What a rough run asks from outside: the local Alipay's control API, and our own commands as an operator runs them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from saoma.demo import breaking
from saoma.demo.people import Gone
from saoma.demo.processes import saoma
from saoma.demo.tills import until_there
from saoma.kit.errors import SaomaError

_LIMIT: Final = aiohttp.ClientTimeout(total=15)


class Alipay:
    """The control API of the local Alipay, which may be gone for a moment."""

    def __init__(self, sandbox_url: str) -> None:
        self._url = f"{sandbox_url}/control"

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask until there is an answer. Raises `HouseDown` after minutes, `SaomaError` for a refusal."""
        return await until_there(lambda: self.ask_once(method, path, body))

    async def ask_once(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask. Raises `Gone` where nobody answers, `SaomaError` for a refusal."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_LIMIT) as session,
                session.request(method, f"{self._url}/{path}", json=body) as answer,
            ):
                found: dict[str, Any] = await answer.json(content_type=None)
                if answer.status >= 500:
                    raise Gone(f"{path} answered {answer.status}")
                if answer.status >= 400:
                    raise SaomaError(f"{path} answered {answer.status}: {found}")
                return found
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Gone(str(error)) from error


async def run_saoma(*words: str, environment: Mapping[str, str], full_disk: bool = False) -> tuple[int, str]:
    """One of our commands: its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *saoma(*words),
        env={**os.environ, "COLUMNS": "150", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=breaking.full_disk_here if full_disk else None,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode(errors="replace")
