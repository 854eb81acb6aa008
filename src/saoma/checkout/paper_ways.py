"""How somebody wants a slip: from this device's printer, from the browser, or as a file for one of the two.

Receipts, shift reports and bills on the table ask the same way; only what is on the paper differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import Response

from saoma.checkout.paper import Paper
from saoma.checkout.paper_escpos import Letters, Printer, escpos
from saoma.checkout.paper_pdf import pdf
from saoma.checkout.printing import KnownPrinter
from saoma.kit.errors import Invalid

NO_PRINTER: Final = "This device has no receipt printer. A manager can set one up under Shift, Receipt printer."
NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
_WAYS: Final = ("printer", "browser", "pdf", "escpos")


@dataclass(frozen=True, slots=True)
class Way:
    """`how` is "printer", "browser", "pdf" or "escpos"; `millimetres` is the paper's width in a file for a printer."""

    how: str
    millimetres: int

    def western(self, printer: KnownPrinter | None) -> bool:
        """Whether it comes out of a printer that has no Chinese letters."""
        return self.how == "printer" and printer is not None and printer.printer.letters is Letters.WESTERN

    def file(self, paper: Paper, name: str, headers: Mapping[str, str] = NO_STORE) -> Response[bytes] | None:
        """The file to hand out, or None where no file was asked for. `name` is without its ending."""
        if self.how == "pdf":
            return file_of(pdf(paper), "application/pdf", f"{name}.pdf", headers)
        if self.how == "escpos":
            return file_of(escpos(paper, Printer(self.millimetres)), "application/octet-stream", f"{name}.bin", headers)
        return None


def way_in(form: Mapping[str, Any], ways: tuple[str, ...] = _WAYS) -> Way:
    """The way that a form asks for. Raises `Invalid` for none of `ways`, and for paper of another width."""
    how, width = str(form.get("how", "")), str(form.get("width", "80"))
    if how not in ways or width not in ("58", "80"):
        raise Invalid("Choose how to print.")
    return Way(how, int(width))


def file_of(content: bytes, kind: str, name: str, headers: Mapping[str, str] = NO_STORE) -> Response[bytes]:
    """A file to keep, under this name."""
    said = {**headers, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=said)
