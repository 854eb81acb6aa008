"""`saoma sandbox` as it is called: a mistake in settings or book is one line, and nothing is loaded for nothing."""

from __future__ import annotations

import fcntl
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from saoma.kit.errors import Invalid
from saoma.sandbox.book.store import Store
from saoma.sandbox.command import run
from saoma.sandbox.config import Config, read_config
from saoma.sandbox.server import Sandbox
from tests.sandbox.make import PARTNER, free_port


def why(config: Path | None = None, state: Path | None = None) -> str:
    """What `saoma sandbox` says instead of starting."""
    with pytest.raises(Invalid) as told:
        run(free_port(), config, state=state)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 'red'", "there is no 'colour' in it (there is state, host,"),
        ("[[buyers]]\nid = 'anna'\nblance = 3", "there is no 'blance' in buyers[0] (did you mean 'balance'?)"),
        (
            f"[[partners]]\npartner = '{PARTNER}'\nsing_type = 'RSA'",
            "'sing_type' in partners[0] (did you mean 'sign_type'?)",
        ),
        (
            "[choices]\nrepeated_pay = 'maybe'",
            "choices.repeated_pay can't be 'maybe' (there is has_success, same_code,",
        ),
        ("auth_code_seconds = 'long'", "auth_code_seconds: expected `int`, got `str`"),
        ("state = \n", "at line 1"),
        ("state = '\xff'".encode("latin-1").decode("utf-8", "surrogateescape"), "it is not UTF-8"),
        ("[[partners]]\npartner = '12'", "A partner id (PID) has 16 digits"),
        (f"[[partners]]\npartner = '{PARTNER}'\nsign_type = 'RSA2'\npublic_key = 'rubbish'", "neither PEM nor base64"),
        ("partner_origins = ['shop']", "not a web address"),
        ("[[buyers]]\nid = 'An na'", "A buyer's id"),
    ],
)
def test_a_mistake_in_the_settings_is_named_with_what_was_meant(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sandbox.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    said = why(config=path)
    assert said.startswith(f"The sandbox's settings {path} are wrong: ") and words in said


def test_a_host_that_is_not_here_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.toml"
    path.write_text("host = '192.0.2.1'")
    assert "can't be used: Cannot assign requested address" in why(config=path)


def test_what_is_no_book_is_not_used_as_one(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a database, but long enough to be taken for one")
    assert "is no book of a sandbox" in why(state=other)
    assert other.read_text().startswith("not a database")
    assert "is a folder: name a file in it" in why(state=tmp_path)
    assert "can't be kept there" in why(state=other / "book.sqlite")


def test_a_book_that_another_sandbox_uses_is_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "book.sqlite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another sandbox uses the book" in why(state=tmp_path / "book.sqlite")


def test_a_book_that_can_t_be_understood_names_the_way_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "book.sqlite")
    store.keep("partner", PARTNER, {"partner": 12})
    store.close()
    said = why(state=tmp_path / "book.sqlite")
    assert "was written by another version of Saoma" in said and "begin a new one" in said


def test_a_book_of_the_first_version_is_read(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "book.sqlite")
    db.executescript(FIRST_BOOK)
    db.close()
    sandbox = Sandbox(read_config(None), store=Store(tmp_path / "book.sqlite"))
    assert sandbox.book.wallets.get("zoe").balance == 123
    assert [call.out_trade_no for call in sandbox.book.store.calls()] == ["OLD-1"]
    sandbox.store.close()


#: As the first version wrote it: fewer columns, and records without what came later.
FIRST_BOOK = """
CREATE TABLE kept (kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, service TEXT NOT NULL, partner TEXT NOT NULL,
    out_trade_no TEXT NOT NULL, request TEXT NOT NULL, response TEXT, why TEXT NOT NULL
);
INSERT INTO calls (at, service, partner, out_trade_no, request, response, why)
    VALUES ('2026-03-02T04:00:00+00:00', 'alipay.acquire.overseas.query', '2088000000000001', 'OLD-1', '{}', NULL, '');
INSERT INTO kept VALUES ('partner', '2088000000000009',
    CAST('{"partner":"2088000000000009","sign_type":"MD5","md5_key":"k","currency":"USD"}' AS BLOB));
INSERT INTO kept VALUES ('buyer', 'zoe',
    CAST('{"id":"zoe","user_id":"2088102122524399","name":"Zoe","balance":123,"pin":"123456"}' AS BLOB));
"""


def test_a_start_loads_nothing_that_a_call_of_the_gateway_does_not_need() -> None:
    look = "import sys; from saoma.sandbox.command import Sandbox; Sandbox().app(); print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert "litestar" in loaded and loaded.isdisjoint(
        {"aiohttp", "asyncssh", "pydantic", "rich", "structlog", "babel", "PIL", "zxingcpp"}
    )


def test_no_key_is_made_before_somebody_asks() -> None:
    sandbox = Sandbox(Config(), store=Store())
    assert sandbox.store.one("key", "alipay", tuple[str, str]) is None
    told = sandbox.partners.alipay_public_key
    kept = sandbox.store.one("key", "alipay", tuple[str, str])
    assert kept is not None and kept[1] == told == sandbox.partners.alipay_public_key
