"""QR codes as SVG (pages, print) and PNG (pictures to paste into a scanner)."""

from __future__ import annotations

import functools
import io

import segno


@functools.lru_cache(maxsize=256)
def qr_svg(text: str, *, dark: str = "#14213D", label: str = "QR code") -> str:
    """An SVG that scales to its box, with a quiet zone; medium error correction survives a scratched table sign."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, scale=1, border=3, dark=dark, light="#ffffff", omitsize=True,
        title=label,
    )  # fmt: skip
    return out.getvalue().decode()


def qr_png(text: str, *, scale: int = 8) -> bytes:
    """A PNG, black on white, `scale` pixels a module."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()
