"""docs/api.md is true: its commands and programs run, in order, against the application served on a real socket."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from granian.constants import Interfaces
from granian.server.embed import Server

from saoma.kit.clock import MovableClock
from saoma.notifications.signing import signature
from tests.api.make import deployment

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


async def run(folder: Path, *words: str) -> str:
    """What a command prints; it must end well."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env={"PATH": path}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_every_command_of_the_page_runs(database_url: str, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with deployment(database_url, MovableClock(), tmp_path / "storage") as house:
        till = await house.program()
        (tmp_path / ".demo").mkdir()
        (tmp_path / ".demo" / "demo.json").write_bytes(msgspec.json.encode({"api_keys": [{"key": till.secret}]}))
        # The application is open already: the server asks it for answers only.
        server = Server(_without_lifespan(house.app), "127.0.0.1", port, interface=Interfaces.ASGINL, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        shell = "set -e\n" + "".join(blocks("sh")).replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
        exports = "".join(line + "\n" for line in shell.splitlines() if re.match("export (SAOMA|API_KEY|CODE)=", line))
        try:
            said = await run(tmp_path, "bash", "-c", shell)
            program = blocks("python")[0]
            (tmp_path / "first.py").write_text(program)
            printed = await run(tmp_path, "bash", "-c", f"{exports}python3 first.py")
        finally:
            server.stop()
            await serving
    assert '"name":"Noodle House"' in said and '"status":"succeeded"' in said and '"secret":"whsec_' in said
    assert said.count('"amount":"2.50"') == 1
    assert printed.splitlines()[0].startswith("succeeded Paid.") and printed.splitlines()[1] == "succeeded"


def _without_lifespan(app: object) -> object:
    async def answer(scope: object, receive: object, send: object) -> None:
        await app(scope, receive, send)  # type: ignore[operator]

    return answer


def test_the_receiver_of_the_page_believes_us_and_nobody_else() -> None:
    room: dict[str, object] = {}
    exec(blocks("python")[1], room)
    is_ours = room["is_ours"]
    assert callable(is_ours)
    now, body = datetime.now(UTC), b'{"id": "evt_1"}'
    assert is_ours("whsec_1", signature("whsec_1", body, now), body)
    assert not is_ours("whsec_1", signature("whsec_2", body, now), body)
    assert not is_ours("whsec_1", signature("whsec_1", body, now), body + b" ")
