"""Tables as files that spreadsheets and other programs open: CSV that computes nothing, Parquet of plain columns."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, Any

from bstviz.datasets.plain import plain_columns
from bstviz.datasets.reading import FORMULA, distinct

if TYPE_CHECKING:
    import pandas as pd


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV in UTF-8 with the mark by which spreadsheets know it.

    A cell of words that a spreadsheet would compute (``=1+1``) gets an apostrophe before it;
    :func:`bstviz.datasets.reading.read_table` takes it away again. See OWASP, "CSV Injection".
    """
    plain = _plain(table)
    made = plain.apply(lambda column: column.map(_inert) if column.dtype.kind == "O" else column)
    made.columns = [_inert(name) for name in plain.columns]
    return marked(made.to_csv(index=False))


def marked(text: str) -> bytes:
    """A text in UTF-8 with the mark by which spreadsheets know it."""
    return codecs.BOM_UTF8 + text.encode()


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """A table as Parquet."""
    buffer = io.BytesIO()
    _plain(table).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Plain columns, each under a name of its own."""
    once = table.reset_index(drop=True)
    once.columns = list(distinct(map(str, once.columns)))
    return plain_columns(once)[0]


def _inert(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
