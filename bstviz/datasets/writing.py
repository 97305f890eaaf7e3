"""Tables as files that spreadsheets and other programs open: CSV that computes nothing, Parquet of plain columns; and
other people's words in Markdown that people read as text, too.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, Any

from bstviz.datasets.plain import plain_columns
from bstviz.datasets.reading import FORMULA, distinct

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV in UTF-8 with the mark by which spreadsheets know it.

    A cell of words that a spreadsheet would compute (``=1+1``) gets an apostrophe before it;
    :func:`bstviz.datasets.reading.read_table` takes it away again. See OWASP, "CSV Injection".
    """
    plain = _plain(table)
    made = plain.apply(lambda column: column.map(inert) if column.dtype.kind == "O" else column)
    made.columns = [inert(name) for name in plain.columns]
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


def inert(cell: Any) -> Any:
    """A cell of CSV as no spreadsheet computes it; see :func:`csv_bytes`."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def in_markdown(text: str) -> str:
    """Other people's words for a Markdown file, on one line, without what Markdown, HTML or LaTeX would read in them.

    Marks that mean something only at the beginning of a line (``-``, ``1.``) stand within one here, in all that is
    written so; for a page, where text alone counts, see :func:`bstviz.ui.components.text.escape`.
    """
    return re.sub(r"([\\`*_\[\]<>|#$~&])", r"\\\1", " ".join(text.split()))


def write_packed(table: pd.DataFrame, file: Path) -> None:
    """Write a Parquet table in few bytes: words that stand often once, no statistics, and nothing about pandas."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    parquet.write_table(
        pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None),
        file,
        use_dictionary=[name for name in words if 2 * table[name].nunique() < len(table)],
        compression="brotli",
        compression_level=11,
        write_statistics=False,
        store_schema=False,
    )
