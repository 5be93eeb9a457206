"""Tables on the terminal and in pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

MANY = 2000
"""More rows than this aren't folded to the width of the terminal, which takes a millisecond each."""


def printable(text: str) -> str:
    """A text on one line, without what a terminal would obey: such characters are escaped as Python does."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: one that fits the terminal, or for a pipe, and for many rows, a line a row.

    Args:
        console: where.
        columns: their names.
        rows: the cells of each row.
    """
    rows = [tuple(map(printable, row)) for row in rows]
    if not console.is_terminal or len(rows) > MANY:
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (columns, *rows))
        console.out("\n".join(lines), highlight=False)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
