"""`saoma validate` as it is called: a target or a command, terminal and files, and one clear line for what is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest

from saoma.kit.errors import Invalid
from saoma.validator.adapter import CommandAdapter, HookFailed, meet
from saoma.validator.command import Wish, run_validate
from saoma.validator.control import NoSandbox
from tests.sandbox.make import free_port
from tests.validator.make import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOOKS = """
import json, sys, urllib.request
asked = json.load(sys.stdin)
if asked.get("order") == "none":
    sys.exit("no such order")
head = {"Content-Type": "application/json"}
address = sys.argv[1] + "/" + asked.pop("hook")
said = urllib.request.urlopen(urllib.request.Request(address, json.dumps(asked).encode(), head)).read()
print(said.decode())
"""


async def test_a_target_is_driven_and_the_reports_are_written(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.shop.wrong = {"cuts_code"}
    wish = Wish(
        target=f"{bench.shop.home}/adapter", sandbox=bench.control.url, cases=("V1", "V2", "V14"), silence=0.02,
        page=tmp_path / "out" / "report.html", junit=tmp_path / "report.xml", json=tmp_path / "report.json",
    )  # fmt: skip
    assert await asyncio.to_thread(run_validate, wish) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "✓ V1 A payment succeeds at once" in out and "✗ V2" in out and "1 failed" in out and "2 passed" in out
    assert json.loads((tmp_path / "report.json").read_text())["name"] == "Test shop"
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
    assert b"<testsuite " in (tmp_path / "report.xml").read_bytes()


async def test_a_command_answers_hooks_on_standard_output(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(HOOKS)
    bench.shop.wrong = set()
    adapter = CommandAdapter(f"{sys.executable} {tmp_path / 'hooks.py'} {bench.shop.home}/adapter")
    assert (await meet(adapter)).name == "Test shop"
    with pytest.raises(HookFailed, match="no such order"):
        await adapter.call("query", {"order": "none"})


async def test_watching_once_judges_what_the_log_holds(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    await bench.drive(only=["V1"])
    wish = Wish(sandbox=bench.control.url, cases=("V1", "V14"), once=True, lang="zh")
    assert await asyncio.to_thread(run_validate, wish) == 0
    out = capsys.readouterr().out
    assert "一次付款成功" in out and "扫 281234567890123493，看屏幕。" in out


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        (Wish(cases=("V15",)), Invalid, "no case V15"),
        (Wish(solutions=("bakery",)), Invalid, "no solution bakery"),
        (Wish(sandbox=f"http://127.0.0.1:{free_port()}"), NoSandbox, "no local Alipay answers.*add --own-sandbox"),
        (Wish(sandbox="localhost:8001"), Invalid, "--sandbox is a web address such as http://localhost:8001"),
        (Wish(target="shop/hooks"), Invalid, "--target is a web address"),
        (Wish(command="'./hooks.py"), Invalid, "--command can't be read: no closing quotation"),
        (Wish(own_sandbox=True, sandbox="http://shop.example:8001"), Invalid, "starts one on this machine"),
        (Wish(page=Path("/")), Invalid, "/ is a folder"),
        (Wish(junit=Path(__file__) / "report.xml"), Invalid, "can't be written: "),
    ],
)
async def test_a_wrong_wish_is_told_in_one_line(wish: Wish, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as told:
        await asyncio.to_thread(run_validate, wish)
    assert "\n" not in str(told.value)


async def test_a_partner_that_the_local_alipay_does_not_know_is_no_partner_without_calls(bench: Bench) -> None:
    wish = Wish(sandbox=bench.control.url, partner="2088000000000777", once=True)
    with pytest.raises(Invalid, match="has no partner 2088000000000777: it has 2088"):
        await asyncio.to_thread(run_validate, wish)


async def test_a_sandbox_of_its_own_is_never_somebody_elses() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wish = Wish(own_sandbox=True, sandbox=f"http://localhost:{taken.getsockname()[1]}", once=True)
        with pytest.raises(NoSandbox, match="can't be used for a local Alipay: Address already in use"):
            await asyncio.to_thread(run_validate, wish)


async def test_waiting_in_real_time_is_said_and_estimated(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # its payments fail at once, so that nothing is waited for in truth
    (tmp_path / "hooks.py").write_text(
        "import json, sys\nasked = json.load(sys.stdin)\n"
        "print(json.dumps({'hooks': ['pay', 'query']})) if asked['hook'] == 'hello' else sys.exit('no scanner')\n"
    )
    wish = Wish(
        command=f"{sys.executable} {tmp_path / 'hooks.py'}", sandbox=bench.control.url, cases=("V3",), silence=0.02
    )
    assert await asyncio.to_thread(run_validate, wish) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "offers no advance, so this waits in real time: up to about 2 min." in out


async def test_a_sandbox_that_others_may_use_is_left_ahead_of_time_and_that_is_said(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.shop.wrong = set()
    wish = Wish(target=f"{bench.shop.home}/adapter", sandbox=bench.control.url, cases=("V14",), silence=0.02)
    await bench.control.push(7200)
    await asyncio.to_thread(run_validate, wish)
    said = capsys.readouterr().out
    assert (
        f"The clock of {bench.control.url} is " in said and "h ahead of the real time now. It never goes back" in said
    )
