"""Whoever changes something shows a token that only our own pages know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from tests.web.make import server


@pytest.fixture
def client() -> Iterator[TestClient[Any]]:
    with TestClient(server()) as client:
        yield client


def _token(client: TestClient[Any]) -> str:
    found = re.search(r'<meta name="csrf" content="([0-9a-f]+)">', client.get("/form").text)
    assert found
    return found[1]


def test_a_page_carries_the_token_of_its_own_cookie(client: TestClient[Any]) -> None:
    assert _token(client) == client.cookies["saoma_csrf"]


def test_a_form_with_its_hidden_field_is_accepted(client: TestClient[Any]) -> None:
    assert client.post("/change", data={"_csrf_token": _token(client)}).text == "changed"


def test_a_request_by_script_with_the_header_is_accepted(client: TestClient[Any]) -> None:
    assert client.post("/change", headers={"X-CSRF-Token": _token(client)}).text == "changed"


@pytest.mark.parametrize("token", [None, "", "0" * 128])
def test_without_the_right_token_nothing_changes_and_the_page_says_so(
    client: TestClient[Any], token: str | None
) -> None:
    _token(client)
    data = {} if token is None else {"_csrf_token": token}
    answer = client.post("/change", data={"x": "1", **data}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "This page was open for too long. Nothing was done." in answer.text


def test_a_token_of_another_house_is_worth_nothing(client: TestClient[Any]) -> None:
    token = _token(client)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    client.cookies.clear()
    client.cookies.set("saoma_csrf", forged)
    assert client.post("/change", headers={"X-CSRF-Token": forged}).status_code == 403


def test_machines_that_sign_their_messages_need_no_token(client: TestClient[Any]) -> None:
    assert client.post("/machine", data={"trade_no": "1"}).text == "success"
