"""How trees and lists use the width of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

NARROW = 100
"""Columns of a terminal below which branches are indented half as far."""


class _NarrowTree(Tree):
    ASCII_GUIDES = ("  ", "| ", "+ ", "` ")
    TREE_GUIDES = [("  ", "│ ", "├ ", "└ ")] * 3


def make_tree(label: Text, width: int) -> Tree:
    """The top of a tree, for a console of some width; branches are added with ``add``."""
    return (_NarrowTree if width < NARROW else Tree)(label, guide_style="dim")


def indent(width: int) -> int:
    """Columns that each level of a tree takes on a console of some width."""
    return 2 if width < NARROW else 4


def print_item(console: Console, mark: Text, text: Text) -> None:
    """Print a line of a list; on a terminal, what doesn't fit goes on below the text and not below the mark.

    Args:
        console: where.
        mark: what the line begins with.
        text: the rest of it.
    """
    if not console.is_terminal:
        console.print(mark + text, soft_wrap=True)
        return
    blank = Text(" " * mark.cell_len)
    for i, line in enumerate(text.wrap(console, max(1, console.width - mark.cell_len))):
        console.print((blank if i else mark) + line)


def print_notes(console: Console, notes: Iterable[str]) -> None:
    """Print what should be known about an answer, a line each.

    Args:
        console: where.
        notes: the lines, without their mark.
    """
    for note in notes:
        console.print(Text(f"note: {note}", style="magenta"))
