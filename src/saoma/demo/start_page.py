"""The start page: one link per person, and the published steps to try with them.

It is a file of its own, not a page of the app: it holds links that sign people in."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from saoma.demo.cast import PASSWORD, PIN, DemoFile


def write_start_page(path: Path, demo: DemoFile, links: dict[str, str]) -> str:
    """Write the page and tell its address for a browser."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    port = demo.app_url.rpartition(":")[2]
    restaurants = []
    for merchant in demo.merchants:
        tables = [table for table in demo.tables if table["store_id"] == merchant["store_id"]]
        staff = [person for person in demo.staff if person.get("store_id") == merchant["store_id"]]
        restaurants.append(
            {
                "name": merchant["name"],
                "tables": tables,
                "staff": [
                    {
                        **person,
                        # Each person has a host name of their own, so that one browser can be all of them at once.
                        "url": f"http://{person['login']}.localhost:{port}{links[person['login']]}",
                    }
                    for person in staff
                ],
                "diners": [
                    {
                        **buyer,
                        "url": buyer["wallet_url"].removesuffix("/wallet")
                        + "/wallet/open?url="
                        + quote(tables[0]["url"], safe=""),
                    }
                    for buyer in demo.buyers
                ],
            }
        )
    page = environment.get_template("start_page.html").render(
        demo=demo, restaurants=restaurants, password=PASSWORD, pin=PIN, buyers=demo.buyers
    )
    path.write_text(page, encoding="utf-8")
    path.chmod(0o600)
    return path.as_uri()
