"""What a designer measures on a page: room for thumbs, words that are cut, the other language, ids nobody should read.

What a reader would get wrong: these are hints for whoever looks at the picture, not proofs; a name that is cut with an
ellipsis may be meant so. `make screens ARGS="till --look"` prints them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

#: The least a thumb gets (--touch), less what rounding takes.
THUMB: Final = 43.5
#: Names, and words that Chinese screens write in English too; lower case.
SAME: Final = frozenset(
    re.findall(
        r"\w+",
        "alipay saoma qr pos csv json pdf utc url api rsa usd sgd http https svg png jpg webp esc localhost ascii"
        " app sms amy ben chen kai mei sam rosa theo lin wei hua",
    )
)
_SCRIPT: Final = (
    (Path(__file__).parent / "measure.js").read_text(encoding="utf-8").partition("*/")[2].strip().rstrip(";")
)


def foreign(text: str, lang: str) -> list[str]:
    """Lines that hold words of the other language only: a dish's name in both is none."""
    told = []
    for line in {each.strip() for each in text.splitlines()}:
        han = re.search(r"[\u4e00-\u9fff]", line)
        words = [word for word in re.findall(r"[A-Za-z][a-z]{2,}", line) if word.lower() not in SAME]
        if lang == "zh" and not han and len(words) > 1 and not re.search(r"[_/@:]|\d{4}", line):
            told.append(line[:70])
        if lang == "en" and han:
            told.append(line[:70])
    return sorted(told)


def slips(page: Page, *, thumbs: bool) -> list[str]:
    """What to look at twice. `thumbs`: the page is on a phone, where buttons need room."""
    found: dict[str, Any] = page.evaluate(_SCRIPT, THUMB)
    lang = "zh" if found["lang"].startswith("zh") else "en"
    text: str = found["text"]
    told = [f"small: {'; '.join(found['small'])}"] if thumbs and found["small"] else []
    told += [f"{name}: {'; '.join(found[name])}" for name in ("cut", "out", "over") if found[name]]
    if found["past"] > 1:
        told.append(f"dialog: {found['past']} px past the screen")
    if found["title"].strip() in ("", "Saoma"):
        told.append("title: says nothing")
    if lines := foreign(text, lang):
        told.append(f"foreign: {' | '.join(lines)}")
    if ids := re.findall(r"\b[a-z]{2,4}_[0-9A-Za-z]{8,}", text):
        told.append(f"ids: {'; '.join(sorted({*ids}))}")
    if lang == "zh" and (marks := re.findall(r".{0,8}[\u4e00-\u9fff][,;:!?](?!\d).{0,6}|.{0,6}您.{0,6}", text)):
        told.append(f"marks: {' | '.join(sorted({*marks}))}")
    if re.search(r"\d %", text):
        told.append("percent: a gap before %")
    return told
