"""The console: each command explains itself with an example, and a wrong use gets one clear line and exit code 2."""

from __future__ import annotations

import pytest

from saoma.cli import main

COMMANDS = ["demo", "serve", "worker", "sandbox", "replay", "reconcile", "keys new", "keys show", "doctor", "validate"]
WRONG = [
    "dance",
    "demo --port eighty",
    "demo --port 70000",
    "demo --sandbox-port 0",
    "serve --workers 0",
    "serve 8000",
    "worker --fast",
    "sandbox --port",
    "sandbox --config",
    "sandbox --seed 3",
    "sandbox --strict",
    "sandbox --scenario outage --run true -- true",
    "sandbox no-such-command",
    "replay",
    "replay orders.tsv --at-once 0",
    "keys new --bits 12",
    "keys old",
    "keys show --format der",
    "keys show --file nowhere.pem",
    "keys show 2088000000000001 --file nowhere.pem",
    "doctor --data-dir",
    "validate --lang fr",
    "validate --case V99",
    "validate --sandbox localhost:8001",
    "validate --target http://127.0.0.1:9 --command ./hooks",
]


def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str) -> tuple[int, str, str]:
    """What `saoma <words>` answers: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["saoma", *words.split()])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_with_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code, out, err = say(monkeypatch, capsys, f"{command} --help")
    assert (code, err) == (0, "")
    assert "Example" in out and f"saoma {command}" in out.partition("Example")[2]
    assert out.index("Usage") < out.index("Example")


def test_the_program_names_all_its_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = say(monkeypatch, capsys, "--help")
    assert code == 0
    for command in COMMANDS:
        assert command.split()[0] in out


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_use_gets_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    code, out, err = say(monkeypatch, capsys, words)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1 and err.startswith("saoma") and "--help" in err, err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", ["", "keys"])
def test_no_words_at_all_get_the_help_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    code, out, _ = say(monkeypatch, capsys, words)
    assert code == 2
    assert "Usage" in out


def test_a_setting_that_is_missing_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SAOMA_DATABASE_URL", raising=False)
    code, out, err = say(monkeypatch, capsys, "worker")
    assert (code, out) == (1, "")
    assert err.startswith("saoma: SAOMA_DATABASE_URL is not set") and len(err.splitlines()) == 1
