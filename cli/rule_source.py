"""Where a rule stands, and its text."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ovn_rules.engine.errors import shown_path

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Clause

PACKAGE = Path(__file__).parents[1]


def rule_place(clause: Clause | None) -> str:
    """File and line: of the rules that come with the package from its folder on; empty for none.

    Args:
        clause: one of the rule's clauses; None for what no rule makes.
    """
    if clause is None or clause.location is None:
        return ""
    return f"{rule_file(clause)}:{clause.location.line}"


def rule_file(clause: Clause) -> str:
    """The file that a rule stands in, as its place names it; empty where that isn't known.

    Args:
        clause: one of the rule's clauses.
    """
    if clause.location is None:
        return ""
    file = Path(clause.location.file)
    return str(file.relative_to(PACKAGE)) if file.is_relative_to(PACKAGE) else shown_path(str(file))


def rule_text(clause: Clause) -> str:
    """The rule's function as it stands in its file, decorator included; empty where that can't be read.

    Args:
        clause: one of its clauses.
    """
    if clause.location is None:
        return ""
    file = Path(clause.location.file)
    try:
        lines, functions = _functions(file, file.stat().st_mtime_ns)
    except (OSError, ValueError, SyntaxError):
        return ""
    for first, last in functions:
        if first <= clause.location.line <= last:
            return "\n".join(lines[first - 1 : last])
    return ""


@lru_cache(maxsize=64)
def _functions(file: Path, _changed: int) -> tuple[list[str], list[tuple[int, int]]]:
    """A file's lines, and the first and last line of each function in it."""
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    return source.splitlines(), [
        (min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
