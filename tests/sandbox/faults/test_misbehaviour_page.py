"""docs/sandbox.md is true about misbehaviour: each of its lines runs, and each fault and scenario has one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from saoma.sandbox.beside import NEVER_REACHED, addresses, summary
from saoma.sandbox.book.planting import FileError
from saoma.sandbox.faults.faults import FaultKind
from saoma.sandbox.scenarios.reading import read_scenario
from saoma.sandbox.scenarios.scenario import shipped
from tests.sandbox import make
from tests.sandbox.listening import listening
from tests.sandbox.tills import tills

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(title: str, kind: str = "sh") -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", section(title), re.DOTALL)


async def shell(script: str, folder: Path, **more: str) -> tuple[int, str, str]:
    """What bash makes of it: exit code, output, errors."""
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=folder, env={**os.environ, "PATH": path, **more},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_every_line_about_faults_and_scenarios_runs_against_a_sandbox(tmp_path: Path) -> None:
    (tmp_path / "rough.yaml").write_text(blocks("Scenarios", "yaml")[0])
    tools = blocks("A payment by hand")[0].partition("\nCODE=")[0]
    faults, by_hand = blocks("Misbehaviour")
    scenarios = "\n".join(line for line in blocks("Scenarios")[0].splitlines() if not line.startswith("saoma"))
    shown = re.findall(r"^\| `([a-z-]+)` \| .* \| `(json .*)` \|$", section("Scenarios"), re.MULTILINE)
    assert [name for name, _ in shown] and {name for name, _ in shown} == {*shipped()}
    script = "\n".join(["set -e", tools, faults, by_hand, scenarios, *(line for _, line in shown)])
    async with make.running() as wire, listening() as shop:
        await wire.call(make.pay_fields("ORDER-1", notify_url=shop.url))
        await wire.advance(seconds=0)
        code, out, err = await shell(script.replace("http://localhost:8001", wire.url), tmp_path)
        told = [one.fields["total_fee"] for one in shop.heard]
        playing = (await wire.control("GET", "scenarios"))["playing"]
    assert (code, err) == (0, ""), err
    said = [json.loads(line) for line in out.splitlines()]
    planned = [one for one in said if "service" in one]
    assert len(planned) == faults.count("\nfault '") == len(re.findall(r"^fault '", faults, re.MULTILINE))
    assert {one["fault"] for one in planned} == {*FaultKind}, "each fault has a line"
    assert [one for one in said if one.get("status")] and all(one.get("status", 200) == 200 for one in said), out
    assert told[:3] == ["12.50", "0.01", "12.50"]
    begun = [one["name"] for one in said if "steps" in one]
    assert begun[0] == "A rough minute" and len(begun) == 1 + len(shown)
    assert playing["name"] == begun[-1]


async def test_a_ci_job_runs_its_tests_beside_a_sandbox_and_gets_their_exit_code(tmp_path: Path) -> None:
    (tmp_path / "rough.yaml").write_text(blocks("Scenarios", "yaml")[0])
    call = 'curl -s "$SAOMA_SANDBOX_GATEWAY_URL?service=none" >&2\n'
    for name, calls, code in (("pytest", "", 5), ("npm", call, 0)):
        script = f'#!/bin/sh\ncurl -s $SAOMA_SANDBOX_URL/readyz\necho " $@"\n{calls}env\nexit {code}\n'
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    by_string, by_words = blocks("Scenarios")[1].splitlines()
    (code, out, err), (strict, more, _) = await asyncio.gather(shell(by_string, tmp_path), shell(by_words, tmp_path))
    assert (code, out.splitlines()[0]) == (5, "ready -q"), err
    port = re.findall(r"^SAOMA_SANDBOX_PORT=(\d+)$", out, re.MULTILINE)[0]
    assert all(f"{name}={value}" in out.splitlines() for name, value in addresses(int(port)).items())
    assert all(f"`{name}`" in section("Scenarios") for name in addresses(1))
    assert "A rough minute (seed 7), 0 calls, 0 times as planned" in err and "7 of 7 steps were never reached" in err
    assert (strict, more.splitlines()[0]) == (NEVER_REACHED, "ready test")


def test_the_yaml_of_the_page_shows_every_kind_of_step_and_file_error() -> None:
    text = blocks("Scenarios", "yaml")[0]
    scenario = read_scenario(text)
    assert {step.deed.value for step in scenario.steps} == {"fault", "buyer", "clock", "file"}
    assert all(error.value in text for error in FileError)


def test_a_summary_says_what_was_played_and_what_never_came() -> None:
    till = tills()["xml"]
    till.sandbox.player.play(
        read_scenario(
            'name: One\nseed: 3\nsteps:\n- {fault: delay, service: "*", times: 2}\n- {buyer: pays}\n'
            "- {at: 1h, outage: 5s}\n- {fault: silence_before, service: notify_verify}"
        )
    )
    till.ask("pay", "A")
    assert summary(till.sandbox.player.view(), 1) == (
        "saoma sandbox: One (seed 3), 1 call, once as planned\n"
        "   1. at 0s: delay of *, 2 times: once\n"
        "   2. at 0s: the buyer pays: NEVER REACHED: no order waited for its buyer\n"
        "   3. at 1h: outage for 5s: NEVER REACHED: never began\n"
        "   4. at 0s: silence_before of notify_verify, once: NEVER REACHED: nothing to strike\n"
        "  3 of 4 steps were never reached\n"
    )
    assert summary(None, 2) == "saoma sandbox: 2 calls\n"
