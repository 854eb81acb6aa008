"""Documents that are printed from the code's own tables: `make docs` writes them, a house test compares them.

Edit the table, never the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import msgspec

from saoma.alipay.codes import CODES, Call, Code, Meaning
from saoma.gateway import Saying
from saoma.settings import Settings, describe
from tests.house.tables import DOCS, lifecycles

_MEANS = {
    Meaning.UNCLEAR: "proves nothing: ask again",
    Meaning.DECLINED: "not paid, and no trade is open",
    Meaning.CLOSED: "the trade is closed",
    Meaning.NO_TRADE: "no trade under this number (yet)",
    Meaning.CANCEL_REFUSED: "won't be cancelled, however often it is asked",
    Meaning.REFUND_DECLINED: "not refunded, and won't be",
    Meaning.REFUND_MAYBE_DONE: "refused for what is there already: `refund.query` decides",
}


_LIFECYCLES = """\
# Lifecycles

Printed by `make docs` from {files}; edit the table, not
this page. A pair that is not listed is refused and raises `IllegalTransition`. A row that leads back to its own
state is a repeat that is known to be harmless; the drawings leave those out.
"""

_ERRORS = """\
# What Alipay's codes mean, and what people are told

Printed by `make docs` from `src/saoma/alipay/codes.py` and `src/saoma/alipay/sayings.py`; edit those.

A code proves something only inside an answer whose signature holds, and only for the call it answers: `open`
(barcode payment, wallet page, order code), `query`, `cancel`, `refund`. For calls that are not named, and for
codes that are not listed, it proves nothing: Saoma asks again and says that it is checking. A rejection by the
gateway (`is_success=F`) carries no signature, so it ends nothing by itself
([why](decisions/unsigned-rejections.md)). Codes in small letters are our own words about answers that prove
nothing, or about what was done. What the payment's own state says wins over any sentence here.
"""

_SETTINGS = """\
# Settings

Printed by `make docs` from `src/saoma/settings.py`; edit that, not this page. Read once, at the start of each
app or worker process; a wrong or missing value stops the start with one line that names it.

| variable | default | what it is |
|---|---|---|
{rows}

`SAOMA_FOLLOW_STDIN=1` ends a process when its standard input closes; the demo and the tests start their children
so. `saoma demo` makes all settings itself and takes only `SAOMA_DATABASE_URL`, for a server of yours (give it an empty
database; `--fresh` does not empty it). The sandbox takes a file instead: see [sandbox.md](sandbox.md).
"""


def lifecycles_page() -> str:
    """docs/lifecycles.md."""
    files = " and ".join(f"`{path}`" for path in dict.fromkeys(path for path, _ in lifecycles()))
    return "\n".join([_LIFECYCLES.format(files=files), *(one.markdown() for _, one in lifecycles())])


def errors_page() -> str:
    """docs/errors.md: codes that people are told the same about stand together."""
    together: dict[int, list[Code]] = defaultdict(list)
    for code in CODES.values():
        together[id(code.saying)].append(code)
    return "\n".join([_ERRORS, *(_group(codes) for codes in together.values())])


def _group(codes: list[Code]) -> str:
    saying: Saying = codes[0].saying
    lines = [f"## {saying.customer['en']}", ""]
    for code in codes:
        meant = "; ".join(f"{call.value}: {_MEANS[code.meanings[call]]}" for call in Call if call in code.meanings)
        lines.append(f"- `{code.name}`" + (f" — {meant}" if meant else ""))
    goods = "yes" if saying.hand_over else "no"
    lines += [
        "",
        "| told to | English | 中文 |",
        "|---|---|---|",
        f"| cashier | {saying.cashier['en']} | {saying.cashier['zh']} |",
        f"| customer | {saying.customer['en']} | {saying.customer['zh']} |",
        "",
        f"May goods leave the counter: **{goods}**.",
        "",
    ]
    return "\n".join(lines)


def settings_page() -> str:
    """docs/settings.md."""
    return _SETTINGS.format(rows="\n".join(_setting(field) for field in msgspec.structs.fields(Settings)))


def _setting(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        default = "must be given"
    else:
        default = msgspec.json.encode(field.default).decode().strip('"')
        default = f"`{default}`" if default else "empty"
    return f"| `SAOMA_{field.name.upper()}` | {default} | {describe(field.name)} |"


#: Each printed document and what prints it.
PAGES: dict[str, Callable[[], str]] = {
    "lifecycles.md": lifecycles_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
}


def main() -> None:
    """Write every page that differs."""
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: docs/{name}")


if __name__ == "__main__":
    main()
