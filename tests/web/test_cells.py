"""Tables on phones: each cell knows its column."""

from __future__ import annotations

from saoma.web.cells import labelled


def test_each_cell_carries_the_words_of_its_column_and_rows_begin_anew() -> None:
    rows = '<tr data-row><td>1</td><td class="num">2</td><td>3</td></tr>\n<tr><td>4</td></tr>'
    assert labelled(rows, ["Day", ("How <many>", "num"), ""]) == (
        '<tr data-row><td data-label="Day">1</td><td data-label="How &lt;many&gt;" class="num">2</td><td>3</td></tr>\n'
        '<tr><td data-label="Day">4</td></tr>'
    )


def test_more_cells_than_columns_do_no_harm() -> None:
    assert labelled("<tr><td>1</td><td>2</td></tr>", ["Day"]) == '<tr><td data-label="Day">1</td><td>2</td></tr>'
