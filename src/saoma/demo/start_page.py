"""The start page: one link per person, and the published steps to try with them, in English and Chinese.

It is a file of its own, not a page of the app: it holds links that sign people in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from saoma.demo.cast import PASSWORD, PIN, TILL_PIN, DemoFile
from saoma.kit.qr import qr_svg

#: The screen each member of staff works at; a link that signs in leads there.
_WORKS_AT: Final = {
    "owner": "/staff",
    "cashier": "/till",
    "waiter": "/till",
    "runner": "/runner",
    "courier": "/courier",
    "kitchen": "/kitchen",
}


def write_start_page(path: Path, demo: DemoFile, links: dict[str, str]) -> str:
    """Write `start.html` and its Chinese sister `start.zh.html`; tell the first one's address for a browser."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    sister = path.with_suffix(".zh.html")
    for lang, file, other in (("en", path, sister), ("zh", sister, path)):
        restaurants = [_place(demo, merchant, links, lang) for merchant in demo.merchants]
        buyers = [_buyer(buyer, lang) for buyer in demo.buyers]
        page = environment.get_template("start_page.html").render(
            lang=lang,
            t=lambda english, chinese, lang=lang: chinese if lang == "zh" else english,
            other_page=other.name,
            demo=demo,
            restaurants=restaurants,
            buyers=buyers,
            # Whoever has not sat down with the others pays at the till.
            payer=buyers[-1],
            password=PASSWORD,
            pin=PIN,
            till_pin=TILL_PIN,
            console_url=f"http://operator.localhost:{demo.app_url.rpartition(':')[2]}{links['operator']}"
            f"?next=/console{'&lang=zh' if lang == 'zh' else ''}",
        )
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(page, encoding="utf-8")
    return path.as_uri()


def _place(demo: DemoFile, merchant: dict[str, Any], links: dict[str, str], lang: str) -> dict[str, Any]:
    """One restaurant with its tables and the links of its people."""
    port = demo.app_url.rpartition(":")[2]
    tables = [table for table in demo.tables if table["store_id"] == merchant["store_id"]]
    # Each person has a host name of their own, so that one browser can be all of them at once.
    staff = [
        {
            **person,
            "url": f"http://{person['login']}.localhost:{port}{links[person['login']]}"
            f"?next={_WORKS_AT[person['role']]}{'&lang=zh' if lang == 'zh' else ''}",
        }
        for person in demo.staff
        if person.get("store_id") == merchant["store_id"]
    ]
    ahead = merchant.get("order_ahead", "")
    code = quote(tables[0]["url"], safe="")
    cashier = next((person["url"] for person in staff if person["role"] == "cashier"), "")
    return {
        "name": merchant["name"],
        "name_zh": merchant.get("name_zh") or merchant["name"],
        "tables": tables,
        "staff": staff,
        # People eat at the other one's tables; this one has a counter and calls numbers.
        "counter": cashier.replace("next=/till", "next=/counter") if merchant["key"] == "burritos" else "",
        "ahead": [_buyer(buyer, lang, f"/open?url={quote(ahead, safe='')}") for buyer in demo.buyers[:1] if ahead],
        "ahead_url": ahead,
        "ahead_code": qr_svg(ahead, label="QR") if ahead else "",
        "board": f"{demo.app_url}/board/{merchant['store_id']}{'?lang=zh' if lang == 'zh' else ''}",
        "role": {person["role"]: person for person in staff},
        "diners": [_buyer(buyer, lang, f"/open?url={code}") for buyer in demo.buyers],
    }


def _buyer(buyer: dict[str, Any], lang: str, opens: str = "") -> dict[str, Any]:
    """A buyer with the pages of their wallet; `opens` is what the phone shows first."""
    wallet = buyer["wallet_url"]
    english, _, chinese = buyer["name"].partition(" ")
    chosen = "lang=zh" if lang == "zh" else ""

    def page(path: str) -> str:
        joint = "&" if "?" in path else "?"
        return f"{wallet}{path}{joint + chosen if chosen else ''}"

    return {
        **buyer,
        "name_en": english,
        "name_zh": chinese or english,
        "url": page(opens),
        "home_url": page(""),
        "code_url": page("/code"),
        "messages_url": page("/messages"),
    }
