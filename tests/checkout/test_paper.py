"""Paper: one description, three drawings of it; what a strict printer makes of the bytes; copies that say so."""

from __future__ import annotations

import base64
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.checkout.paper import Blank, Code, Heading, Paper, Part, Row, Rule, Stamp, Words
from saoma.checkout.paper_escpos import Letters, Printer, encoded, escpos, open_drawer
from saoma.checkout.paper_pdf import pdf
from tests.checkout.printer import prints

PARTS: tuple[Part, ...] = (
    Stamp("COPY 1"),
    Heading("Noodle House 面馆"),
    Words("1 Harbour Road, a very long address indeed, Block 22, Unit 14-03", soft=True),
    Row("2 × 红烧牛肉面加辣不要香菜多放葱花少放盐再来一点点醋", "$26.00", "no coriander, extra noodles"),
    Row("Jasmine tea", "−$10.50"),
    Rule(),
    Row("Paid", "$36.50", strong=True),
    Row("Order number", "SM20261121105930ABCDEF0123456789XYZ", soft=True, code=True),
    Code("https://shop.example/receipt/pay_1?k=abc", "Receipt for the customer's phone"),
    Blank("Signature"),
)
PAPER = Paper("Receipt", "en", PARTS, drawer=True)


def drawn(content: bytes) -> bytes:
    """What a PDF draws, its strings unescaped: Latin as it is, Chinese in the UCS-2 that its face is written in."""
    streams = re.findall(rb"stream\r?\n(.*?)~>\s*endstream", content, re.DOTALL)
    raw = b"".join(zlib.decompress(base64.a85decode(stream)) for stream in streams)
    return re.sub(rb"\\(\d{3}|.)", lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else m[1], raw, flags=re.DOTALL)


@pytest.mark.parametrize("width", [80, 58])
def test_no_line_is_wider_than_the_paper_and_figures_end_at_its_edge(width: int) -> None:
    printer = Printer(width)
    out = prints(escpos(PAPER, printer))
    assert max(out.widths) <= printer.columns
    assert out.codes == ["https://shop.example/receipt/pay_1?k=abc"]
    assert (out.cuts, out.pulses) == (1, 1)
    (tea,) = [n for n, line in enumerate(out.lines) if line.startswith("Jasmine tea")]
    assert out.lines[tea].endswith(" -$10.50") and out.widths[tea] == printer.columns
    assert "红烧牛肉面" in out.text and "SM20261121105930ABCDEF0123456789XYZ" in re.sub(r"\s", "", out.text)


def test_a_printer_without_chinese_prints_what_it_can_and_says_so_by_a_question_mark() -> None:
    out = prints(escpos(Paper("", "en", (Words("Crème brûlée €4 面"),)), Printer(80, Letters.WESTERN)))
    assert out.lines[0] == "Crème brûlée €4 ?"
    assert encoded("ñ ¥120 €4", Letters.GBK).decode("gbk") == "n ￥120 EUR 4"


def test_no_name_of_a_dish_commands_the_printer() -> None:
    wicked = Paper("", "en", (Heading("\x1bp\x00\x19\xfaTea"), Row("\x1dV\x00\x1b@soup", "\x10\x14\x01$1")))
    out = prints(escpos(wicked, Printer()))
    assert (out.pulses, out.cuts) == (0, 1)
    assert prints(open_drawer()).pulses == 1


@given(
    st.lists(
        st.one_of(
            st.builds(Heading, st.text(max_size=80)),
            st.builds(Words, st.text(max_size=80), st.booleans(), st.booleans()),
            st.builds(Row, st.text(max_size=80), st.text(max_size=60), st.text(max_size=60)),
            st.builds(Stamp, st.text(max_size=20)),
        ),
        max_size=6,
    ),
    st.sampled_from([80, 58]),
    st.sampled_from(list(Letters)),
)
def test_whatever_is_written_fits_on_the_paper(parts: list[Part], width: int, letters: Letters) -> None:
    printer = Printer(width, letters)
    assert max(prints(escpos(Paper("", "en", tuple(parts)), printer)).widths) <= printer.columns


def test_the_pdf_has_every_word_on_one_page_as_wide_as_receipt_paper() -> None:
    content = pdf(PAPER)
    assert content == pdf(PAPER), "the same slip gives the same bytes"
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert box and round(float(box[1]) / 72 * 25.4) == 80
    assert content.count(b"/Type /Page\n") == 1
    assert b"/STSong-Light" in content and b"/FontFile" not in content, "Chinese without a font of our own"
    words = drawn(content)
    for said in ("COPY 1", "Jasmine tea", "$36.50", "Signature"):
        assert said.encode() in words, said
    assert "面馆".encode("utf-16-be") in words
