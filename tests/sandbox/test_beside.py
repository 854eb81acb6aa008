"""`saoma sandbox --run`: who ends it ends the command, with all that it started; a command that never called fails."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path


async def test_whoever_ends_it_ends_the_command_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "begun"
    file.write_text("begun\n")

    async def ended_by(number: signal.Signals) -> int | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "saoma.cli", "sandbox", "--run", f"tail -f {file}; echo over",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begun\n", "the child of the shell speaks"
        process.send_signal(number)
        # there is no end of the output before the last of them has ended
        assert await asyncio.wait_for(process.stdout.read(), 20) == b""
        return await process.wait()

    by = (signal.SIGTERM, signal.SIGINT)
    assert await asyncio.gather(*map(ended_by, by)) == [128 + number for number in by]


async def test_tests_that_never_called_have_not_passed() -> None:
    async def ran(command: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "saoma.cli", "sandbox", "--run", command, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await asyncio.wait_for(process.communicate(), 20)
        return process.returncode, said.decode()

    call = "import os, urllib.request as r; r.urlopen(os.environ['SAOMA_SANDBOX_GATEWAY_URL'] + '?service=x').read()"
    idle, calling = await asyncio.gather(ran("true"), ran(f'{sys.executable} -c "{call}"'))
    assert idle[0] == 4
    assert re.search(
        r"made no call to http://localhost:\d+/gateway.do: do they read SAOMA_SANDBOX_GATEWAY_URL\?", idle[1]
    )
    assert calling == (0, "saoma sandbox: 1 call\n")
