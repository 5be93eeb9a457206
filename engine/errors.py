"""What is wrong with a rule program: problems with a place, a caret and a hint."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine.ir import Location


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a rule program.

    Attributes:
        message: What is wrong, on one line.
        location: Where; None when no source is known.
        hint: What to do about it, or empty.
        rule: Name of the rule function, or empty when the mistake is in no rule.
    """

    message: str
    location: Location | None = None
    hint: str = ""
    rule: str = ""

    def __str__(self) -> str:
        """``file:line:column: message``, the line, a caret below it and the hint; columns count from 1."""
        lines = [self.message]
        if (place := self.location) is not None:
            lines[0] = f"{_shown(place.file)}:{place.line}:{place.column + 1}: {self.message}"
            text = place.text.rstrip()
            indent = len(text) - len(text.lstrip())
            before = "".join("\t" if c == "\t" else " " for c in text[indent : place.column])
            width = max(1, min(place.end_column, len(text)) - place.column)
            lines += [f"    {text[indent:]}", f"    {before}{'^' * width}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class LoadError(Exception):
    """A rule program can't be loaded; ``str()`` shows every problem found in it.

    Attributes:
        problems: All problems, in the order of files and lines.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Takes the problems in any order."""
        self.problems: list[Problem] = sorted(problems, key=_place)
        super().__init__("\n".join(str(p) for p in self.problems))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known name, or an empty string when none is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names in one line of a message: ``a, b and c``."""
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last


def _place(problem: Problem) -> tuple[str, int, int, str]:
    place = problem.location
    return (place.file, place.line, place.column, problem.message) if place else ("", 0, 0, problem.message)


def _shown(file: str) -> str:
    """The path as it is typed from the current folder, when the file is below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file
