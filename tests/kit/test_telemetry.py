"""Telemetry: metrics at an address of one's own, and logs that keep secrets to themselves."""

from __future__ import annotations

import json
import urllib.request

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
