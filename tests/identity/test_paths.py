"""Open redirect: where a person may be sent after signing in."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saoma.identity.paths import safe_path

OURS = "https://shop.example/sign-in"


@pytest.mark.parametrize("path", ["/till", "/t/AB12?lang=zh", "/t/桌", "/a//b", "/till#bill", "/x?next=//evil.example"])
def test_our_own_paths_pass(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "http:/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/x\r\nSet-Cookie: a=b",
        "",
        None,
        "/" + "a" * 3000,
    ],
)
def test_another_site_is_refused(text: str | None) -> None:
    assert safe_path(text, "/staff") == "/staff"


@given(st.text(alphabet="/\\:?#@.\t\n ehv", max_size=12))
@example("/%2f/evil")
@example("/.//evil")
def test_whatever_passes_stays_on_our_site(text: str) -> None:
    passed = safe_path(text, "/")
    browser_reads = passed.replace("\t", "").replace("\n", "").replace("\r", "").replace("\\", "/")
    assert urlsplit(urljoin(OURS, browser_reads)).netloc == "shop.example"
