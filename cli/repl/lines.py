"""What a line of a session says: a verb, its options, and the rest as it stands.

The rest is not taken apart as a shell would, so that rules' syntax and pasted flows need no quoting. Options stand
right after the verb or at the end; ``--`` ends those after the verb. ``> FILE`` at the end writes the answer to a
file; FILE has a slash or a suffix, so that ``x > 5`` remains a comparison.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.verbs.verb import Option
from ovn_rules.engine.errors import QuestionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FORMAT = Option("format", "text", None, "text, json or, for a picture, dot, mermaid or html.")
"""What every verb has besides its own options."""

_VERB = re.compile(r"\s*([^\s]+)\s*")
_OPTION = re.compile(r"--([A-Za-z][\w-]*)(?=[\s=]|$)")
_VALUE = re.compile(r"""(?:=|\s+)("[^"]*"|'[^']*'|\S+)(?=\s|$)""")
_FILE = re.compile(r"\s>\s*(\S*[/~]\S*|\S*\.[A-Za-z]\w*)\s*$")
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass
class Line:
    """A line, taken apart.

    Attributes:
        verb: its first word.
        text: what is left when options and file are taken out.
        options: the options given.
        form: what --format says; None when it isn't there.
        file: where the answer goes; None for the terminal.
    """

    verb: str
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    form: str | None = None
    file: str | None = None


def parse(raw: str, find_options: Callable[[str], Sequence[Option]]) -> Line:
    """Take a line apart.

    Args:
        raw: the line, not blank.
        find_options: the options of a verb; raises LookupError for one that doesn't exist, its text being the hint.

    Raises:
        QuestionError: there is no such verb, or an option is wrong.
    """
    found = _VERB.match(raw)
    assert found is not None  # noqa: S101 - it isn't blank
    try:
        known = {o.name: o for o in find_options(found[1])}
    except LookupError as error:
        raise QuestionError(f"no verb {found[1]}", raw, *found.span(1), str(error.args[0])) from None
    line = Line(found[1], "")
    reader = _Options(raw, known, line)
    end = len(raw.rstrip())
    if (file := _FILE.search(raw, 0, end)) and not quoted(raw)[file.start(1)]:
        line.file = file[1]
        end = len(raw[: file.start()].rstrip())
    start = reader.leading(min(found.end(), end), end)
    end = reader.trailing(start, end)
    line.text = raw[start:end].strip()
    form = line.options.pop(FORMAT.name, None)
    line.form = None if form is None else str(form)
    return line


class _Options:
    def __init__(self, raw: str, known: Mapping[str, Option], line: Line) -> None:
        self.raw = raw
        self.known = known
        self.line = line

    def leading(self, start: int, end: int) -> int:
        """Read the options after the verb; where the rest begins."""
        while start < end:
            if self.raw.startswith("--", start) and (start + 2 == end or self.raw[start + 2].isspace()):
                return start + 2
            found = _OPTION.match(self.raw, start, end)
            if found is None:
                return start
            option = self.known.get(found[1])
            if option is None:
                raise self._unknown(found)
            start = self._take(option, found, end)
            start += len(self.raw[start:end]) - len(self.raw[start:end].lstrip())
        return start

    def trailing(self, start: int, end: int) -> int:
        """Read the options at the end; where the rest ends."""
        while True:
            inside = quoted(self.raw)
            last = None
            for found in _OPTION.finditer(self.raw, start, end):
                if not inside[found.start()] and (found.start() == start or self.raw[found.start() - 1].isspace()):
                    last = found
            if last is None:
                return end
            after = self.raw[last.end() : end].strip()
            option = self.known.get(last[1])
            if option is None:
                if len(after.split()) <= 1 and did_you_mean(last[1], self.known):
                    raise self._unknown(last)
                return end
            if option.kind == "flag" and after:
                return end
            if option.kind != "flag" and (value := _VALUE.match(self.raw, last.end(), end)) and value.end() < end:
                return end
            self._take(option, last, end)
            end = start + len(self.raw[start : last.start()].rstrip())

    def _take(self, option: Option, found: re.Match[str], end: int) -> int:
        """Note an option with its value; where it ends."""
        if option.kind == "flag":
            self.line.options[option.name] = True
            return found.end()
        value = _VALUE.match(self.raw, found.end(), end)
        if value is None:
            kind = "number" if option.kind == "number" else "value"
            raise QuestionError(f"--{option.name} takes a {kind}", self.raw, *found.span())
        text = value[1][1:-1] if value[1][0] in "\"'" else value[1]
        if option.kind == "number":
            if not text.isdecimal():
                raise QuestionError(f"--{option.name} takes a whole number", self.raw, *value.span(1))
            self.line.options[option.name] = int(text)
        else:
            self.line.options[option.name] = text
        return value.end()

    def _unknown(self, found: re.Match[str]) -> QuestionError:
        names = ", ".join(f"--{name}" for name in self.known)
        hint = did_you_mean(found[1], self.known).replace("'", "--", 1).replace("'", "")
        hint = hint or (f"it has {names}; -- before what is no option" if names else "it has none")
        return QuestionError(f"{self.line.verb} has no option --{found[1]}", self.raw, *found.span(), hint)


def quoted(text: str) -> list[bool]:
    """For each character whether it is inside quotes; nowhere when they don't match."""
    inside, quote, escaped = [], "", False
    for c in text:
        inside.append(bool(quote))
        if escaped:
            escaped = False
        elif quote and c == "\\":
            escaped = True
        elif quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
    return [False] * len(text) if quote else inside


def goes_on(text: str) -> bool:
    """Whether a line isn't finished: a bracket is open, or it ends with & or a backslash."""
    if text.rstrip().endswith(("&", "\\")):
        return True
    open_brackets = []
    for c, inside in zip(text, quoted(text), strict=True):
        if inside:
            continue
        if c in "([{":
            open_brackets.append(c)
        elif c in _PAIRS and open_brackets and open_brackets[-1] == _PAIRS[c]:
            open_brackets.pop()
    return bool(open_brackets)


def joined(text: str) -> str:
    """A question of several lines: lines that go on as one, without the backslash at their end; others stay lines.

    So several flows that are pasted at once, or changes of ``whatif``, are told apart.
    """
    whole = ""
    for part in filter(None, map(str.strip, text.splitlines())):
        between = " " if goes_on(whole) else "\n"
        whole = whole.removesuffix("\\").rstrip() + between + part
    return whole.removesuffix("\\").strip()
