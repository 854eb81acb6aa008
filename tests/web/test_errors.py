"""Refusals and breakdowns as people and programs meet them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from saoma.kit.i18n import texts
from saoma.web import errors
from tests.web.make import server


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Any]]:
    with TestClient(server(), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("what", "status", "sentence"),
    [
        ("invalid", 422, "Look at what you entered and try again. Nothing was changed."),
        ("not-found", 404, "There is nothing here, or it is not yours to see."),
        ("not-allowed", 403, "You may not do this with this sign-in. Nothing was changed."),
        ("conflict", 409, "7 min"),
        ("not-sent", 502, "The payment service could not be reached. No money moved. Try again."),
        ("unknown", 502, "look at the payment before you pay again"),
        ("broken", 500, "If you were paying, look at the payment before you pay again"),
    ],
)
def test_a_person_gets_a_calm_page_that_says_what_to_do(
    client: TestClient[Any], what: str, status: int, sentence: str
) -> None:
    answer = client.get(f"/raise/{what}", headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert sentence in answer.text
    assert "10.0.0.7" not in answer.text and "insides" not in answer.text and "Traceback" not in answer.text


def test_the_same_page_is_written_in_chinese_for_who_reads_chinese(client: TestClient[Any]) -> None:
    answer = client.get("/raise/not-sent", headers={"Accept": "text/html", "Accept-Language": "zh-CN"})
    assert 'lang="zh-CN"' in answer.text
    assert "连不上支付服务，没有发生扣款。请重试。" in answer.text


def test_a_program_gets_a_problem_with_sentences_in_both_languages(client: TestClient[Any]) -> None:
    answer = client.get("/api/raise/conflict")
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json() == {
        "type": "urn:saoma:problem:conflict",
        "title": "Someone was quicker",
        "status": 409,
        "detail": "7 min",
        "instance": "/api/raise/conflict",
        "sentences": {"en": "7 min", "zh": "7 分钟"},
    }


def test_a_page_that_asked_for_a_part_gets_a_toast_in_the_toasts_corner(client: TestClient[Any]) -> None:
    answer = client.get("/raise/conflict", headers={"HX-Request": "true", "Accept": "text/html"})
    assert answer.status_code == 409
    assert answer.headers["hx-retarget"] == "#toasts"
    assert answer.headers["hx-reswap"] == "beforeend"
    assert "data-toast" in answer.text and "<html" not in answer.text


def test_an_unexpected_error_shows_an_id_that_is_also_in_the_log(
    client: TestClient[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/api/raise/broken")
    code = answer.json()["code"]
    said = capsys.readouterr()
    assert code.startswith("err_")
    assert code in said.out + said.err
    assert "the insides of the machine" in said.out + said.err


def test_a_missing_page_a_wrong_method_and_a_wrong_value_are_calm_too(client: TestClient[Any]) -> None:
    html = {"Accept": "text/html"}
    assert client.get("/no/such/page", headers=html).status_code == 404
    assert client.put("/recall", headers=html).status_code == 405
    wrong = client.get("/number/7?size=many", headers=html)
    assert wrong.status_code == 422
    assert "Look at what you entered" in wrong.text
    for answer in (client.get("/no/such/page", headers=html), client.put("/recall", headers=html), wrong):
        assert "<h1" in answer.text


def test_a_body_that_is_too_large_is_refused_in_words() -> None:
    with TestClient(server(max_body_bytes=1000), raise_server_exceptions=False) as small:
        form = small.post("/change", data={"x": "y" * 3000}, headers={"Accept": "text/html"})
        assert form.status_code == 413
        assert "Send a smaller file" in form.text


def test_who_knocks_too_often_is_told_to_wait(client: TestClient[Any]) -> None:
    answers = [client.get("/door", headers={"Accept": "text/html"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert texts("en")("That was a lot at once. Wait a moment and try again.") in answers[-1].text


def test_a_link_back_leads_only_to_our_own_pages(client: TestClient[Any]) -> None:
    base = str(client.base_url)
    ours = client.get("/raise/conflict", headers={"Accept": "text/html", "Referer": f"{base}/form"})
    assert 'href="/form"' in ours.text
    foreign = client.get("/raise/conflict", headers={"Accept": "text/html", "Referer": "https://evil.example/form"})
    assert "evil" not in foreign.text


@pytest.mark.parametrize(
    "text", [*errors._TITLES.values(), *errors._SENTENCES.values(), errors._STALE, errors._UNKNOWN]
)
def test_every_sentence_about_trouble_is_there_in_chinese(text: str) -> None:
    assert texts("zh")(text) != text
