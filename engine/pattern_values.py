"""The values in a pattern: Python literals, and what people paste."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.frontend_types import plain, storable
from ovn_rules.engine.ir import Const, Term, Var, Wild

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Column, Type

Span = tuple[int, int]
"""A part of a text: where it starts and ends."""

CLOSING = {"(": ")", "[": "]", "{": "}"}

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BEGINNING = re.compile(r"([0-9a-f]{4,8}(-[0-9a-f-]*)?)( .*)?", re.IGNORECASE)
_QUOTED = re.compile(r"[rR]?[\"']")
_OTHER_QUOTED = re.compile(r"[a-zA-Z]{1,2}[\"']")

_KINDS = {
    "str": "text",
    "uuid": "a UUID",
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "tuple": "a set",
}


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a UUID, four hexadecimal digits or more."""

    text: str


def arguments(text: str, opening: int) -> tuple[list[Span], int]:
    """What stands between the commas of a bracket, without spaces around it, and where the bracket closes.

    Args:
        text: the question.
        opening: where the bracket opens.

    Raises:
        QuestionError: a bracket or quote isn't closed, or a value is missing.
    """
    spans: list[Span] = []
    stack, start, i = [opening], opening + 1, opening + 1
    while i < len(text):
        c = text[i]
        if c in "\"'":
            i = _after_quote(text, i)
            continue
        if c in CLOSING:
            stack.append(i)
        elif c in CLOSING.values():
            if CLOSING[text[stack[-1]]] != c:
                hint = f"{text[stack[-1]]!r} is open: put text with brackets in quotes"
                raise QuestionError(f"unbalanced {c!r}", text, i, hint=hint)
            stack.pop()
            if not stack:
                last = _trimmed(text, start, i)
                if last[0] < last[1]:
                    spans.append(last)
                return spans, i
        elif c == "," and len(stack) == 1:
            span = _trimmed(text, start, i)
            if span[0] == span[1]:
                raise QuestionError("a value is missing before the comma", text, i, hint="write _ for any value")
            spans.append(span)
            start = i + 1
        i += 1
    raise QuestionError(f"{text[stack[-1]]!r} is never closed", text, stack[-1])


def _after_quote(text: str, start: int) -> int:
    i = start + 1
    while i < len(text) and text[i] != text[start]:
        i += 2 if text[i] == "\\" else 1
    if i >= len(text):
        raise QuestionError(
            f"the quote {text[start]} is never closed",
            text,
            start,
            hint="put text with a quote in it in quotes of the other kind",
        )
    return i + 1


def _trimmed(text: str, start: int, end: int) -> Span:
    inside = text[start:end]
    return end - len(inside.lstrip()), start + len(inside.rstrip()) if inside.strip() else end


def read_term(text: str, span: Span, column: Column) -> Term | Prefix:
    """The term that stands for a column's value.

    Args:
        text: the question.
        span: where the value stands in it.
        column: the column.

    Returns:
        A wildcard for ``_``, a variable for a name, the beginning of a UUID, or a constant. The constant for a set
        or map column is a tuple in the order in which it is written.

    Raises:
        QuestionError: it is no value, or none of the column's type.
    """
    raw = text[slice(*span)]
    if raw == "_":
        return Wild()
    kind = column.type.name
    boolean = raw.lower() in ("true", "false") if kind == "bool" else raw in ("True", "False")
    if raw.isidentifier() and not boolean and raw != "None" and not (kind == "uuid" and _BEGINNING.fullmatch(raw)):
        return Var(raw)
    value = _Reader(text, column).value(span, column.type)
    if kind == "uuid" and not _UUID.fullmatch(value):
        if beginning := _BEGINNING.fullmatch(value):
            return Prefix(beginning[1])  # a row's name may stand after it, as answers print it
        if value == raw.lower() and re.fullmatch("[0-9a-f]{1,3}", value):
            raise QuestionError(f"{raw} is too short for a UUID", text, *span, hint="give four digits or more")
    return Const(value)


class _Reader:
    """The values of one column in a question."""

    def __init__(self, text: str, column: Column) -> None:
        self.text = text
        self.column = column

    def value(self, span: Span, wanted: Type) -> Any:
        """A constant of a type."""
        raw = self.text[slice(*span)]
        if wanted.name == "tuple":
            return self.members(span, wanted)
        if wanted.name == "bool" and raw.lower() in ("true", "false"):
            return raw.lower() == "true"
        if wanted.name in ("str", "uuid"):
            value = self.literal(span) if _QUOTED.match(raw) else raw
            if isinstance(value, str) and not (value is raw and _OTHER_QUOTED.match(raw)):
                return value.lower() if wanted.name == "uuid" and _hexadecimal(value) else value
            raise self.wrong(span, wanted)
        value = plain(self.literal(span, raw if wanted.name == "any" else None))
        fine = {
            "int": type(value) is int,
            "float": type(value) in (int, float),
            "any": storable(value),
        }
        if not fine.get(wanted.name, False):
            raise self.wrong(span, wanted)
        return float(value) if wanted.name == "float" else value

    def members(self, span: Span, wanted: Type) -> tuple[Any, ...]:
        """A set, a map or a record."""
        opening = self.text[span[0]]
        parts, end = arguments(self.text, span[0]) if opening in CLOSING else ([], -1)
        bracketed = end == span[1] - 1
        if len(wanted.args) != 1:
            if not bracketed or len(parts) != len(wanted.args):
                raise self.wrong(span, wanted)
            return tuple(self.element(p, t) for p, t in zip(parts, wanted.args, strict=True))
        (inner,) = wanted.args
        if not bracketed:
            parts = [span]
        elif opening == "{" and len(inner.args) == 2:
            return tuple(self.pair(p, inner) for p in parts)
        return tuple(self.element(p, inner) for p in parts)

    def element(self, span: Span, wanted: Type) -> Any:
        """A value inside brackets, where no variable can stand."""
        raw = self.text[slice(*span)]
        if raw.isidentifier() and raw not in ("True", "False", "None") and wanted.name != "bool":
            hint = f'write "{raw}" for the text'
            raise QuestionError(f"{raw} is a variable, which can't stand inside a set", self.text, *span, hint=hint)
        return self.value(span, wanted)

    def pair(self, span: Span, wanted: Type) -> tuple[Any, ...]:
        """``key: value``, or a pair in brackets."""
        if self.text[span[0]] in CLOSING:
            return self.members(span, wanted)
        i = span[0]
        while i < span[1] and self.text[i] != ":":
            i = _after_quote(self.text, i) if self.text[i] in "\"'" else i + 1
        parts = (_trimmed(self.text, span[0], i), _trimmed(self.text, min(i + 1, span[1]), span[1]))
        if any(a == b for a, b in parts):
            raise QuestionError("this is no entry of a map", self.text, *span, hint='write {"key": value}')
        return tuple(self.element(p, t) for p, t in zip(parts, wanted.args, strict=True))

    def literal(self, span: Span, otherwise: str | None = None) -> Any:
        """What Python makes of a part of the text; ``otherwise`` when it makes nothing of it."""
        raw = self.text[slice(*span)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes that Python doesn't know
                return ast.literal_eval(raw)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            if otherwise is None and _QUOTED.match(raw):
                hint = "write \\\\ for a backslash, and one pair of quotes around all of it"
                raise QuestionError("this is no text as Python writes it", self.text, *span, hint=hint) from None
            return otherwise

    def wrong(self, span: Span, wanted: Type) -> QuestionError:
        """What to say of a value of another type."""
        name = f"column {self.column.name} is" if wanted is self.column.type else f"column {self.column.name} holds"
        what = _KINDS.get(wanted.name, str(wanted))
        if len(wanted.args) > 1:
            what = f"a tuple of {len(wanted.args)} values"
        elif wanted.args and len(wanted.args[0].args) == 2:
            what = "a map"
        return QuestionError(f"wrong type: {name} {what}, not {short(self.text[slice(*span)])}", self.text, *span)


def _hexadecimal(value: str) -> bool:
    return bool(_BEGINNING.fullmatch(value) or _UUID.fullmatch(value))


def short(text: str) -> str:
    """A text of a question in one line of a message, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:37]}..."
