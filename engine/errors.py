"""What is wrong with a rule program or a question: problems with a place, a caret and a hint."""

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
            lines[0] = f"{shown_path(place.file)}:{place.line}:{place.column + 1}: {self.message}"
            lines += _underlined(place.text, place.column, place.end_column)
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


class QuestionError(Exception):
    """A pattern or query that can't be read, or not be answered; ``str()`` is one line.

    Attributes:
        message: What is wrong, on one line.
        text: What was asked.
        start: Where in it, from 0.
        end: The end of that place.
        hint: What to do about it, or empty.
    """

    def __init__(self, message: str, text: str, start: int = 0, end: int | None = None, hint: str = "") -> None:
        """Takes the place as positions in the text; one character without an end."""
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.text = text
        self.start = start
        self.end = start + 1 if end is None else end
        self.hint = hint

    def shown(self) -> str:
        """The message, the line of the text that it is about, a caret below it and the hint, for a terminal."""
        line = self.text.rfind("\n", 0, self.start) + 1
        end = self.text.find("\n", self.start)
        text = self.text[line:] if end < 0 else self.text[line:end]
        lines = [self.message, *_underlined(text, self.start - line, self.end - line)]
        return "\n".join([*lines, f"  hint: {self.hint}"] if self.hint else lines)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known name, or an empty string when none is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names in one line of a message: ``a, b and c``."""
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last


def _underlined(line: str, start: int, end: int) -> list[str]:
    """A line and below it carets under a part of it."""
    text = line.rstrip()
    indent = len(text) - len(text.lstrip())
    before = "".join("\t" if c == "\t" else " " for c in text[indent:start].ljust(start - indent))
    return [f"    {text[indent:]}", f"    {before}{'^' * max(1, min(end, len(text)) - start)}"]


def _place(problem: Problem) -> tuple[str, int, int, str]:
    place = problem.location
    return (place.file, place.line, place.column, problem.message) if place else ("", 0, 0, problem.message)


def shown_path(file: str) -> str:
    """The path as it is typed from the current folder, when the file is below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file
