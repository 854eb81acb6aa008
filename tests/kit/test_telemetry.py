"""Telemetry: metrics at an address of one's own, and logs that keep secrets to themselves."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import structlog

from saoma.kit.errors import Invalid
from saoma.kit.telemetry import DUE_HANDLED, serve_metrics, start_logging


def test_a_worker_shows_what_it_has_done() -> None:
    DUE_HANDLED.labels("payments", "done").inc()
    port = serve_metrics("127.0.0.1:0")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert 'saoma_due_handled_total{result="done",work="payments"}' in answer.read().decode()


@pytest.mark.parametrize(
    "address", ["", "nowhere", "127.0.0.1:", "127.0.0.1:many", "127.0.0.1:700000", "no.such.host:0"]
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(Invalid, match="metrics can't be shown"):
        serve_metrics(address)


def test_an_address_in_use_is_named() -> None:
    port = serve_metrics("127.0.0.1:0")
    with pytest.raises(Invalid, match=str(port)):
        serve_metrics(f"127.0.0.1:{port}")


def test_a_log_line_is_json_with_its_secrets_cut_out(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(json=True, process="app")
    try:
        structlog.get_logger().info("payment.sent", payment="pay_1", payment_code="281234", md5_key="abc", words="面馆")
        line = json.loads(capsys.readouterr().err)
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.reset_defaults()
    assert (line["event"], line["payment"], line["process"], line["words"]) == ("payment.sent", "pay_1", "app", "面馆")
    assert line["payment_code"] == line["md5_key"] == "(hidden)"
    assert line["timestamp"].endswith("Z")


_LOG_ON_A_FULL_DISK = """
import resource, structlog
from saoma.kit.telemetry import start_logging
start_logging()
structlog.get_logger().info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
for _ in range(1000):
    structlog.get_logger().info("while full", payment="pay_1")
print("went on")
"""


def test_a_full_disk_under_the_log_ends_nothing(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        asked = subprocess.run(
            [sys.executable, "-c", _LOG_ON_A_FULL_DISK], stdout=subprocess.PIPE, stderr=log, text=True, check=False
        )
    assert (asked.returncode, asked.stdout.strip()) == (0, "went on")
    assert "before" in (tmp_path / "log").read_text()
