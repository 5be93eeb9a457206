"""Values in specs: texts read as a column's type, and values printed so that they can be read again."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.pattern_values import arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ovn_rules.cli.spec.document import Node
    from ovn_rules.engine.ir import Type

ANYTHING = "…"
"""In an expected text: whatever stands there."""

_ENTRY = re.compile(r"""("[^"]*"|'[^']*'|[^=]*?(?=:\s|=))\s*(?:=|:\s)(.*)""", re.DOTALL)
_PLURAL = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_TRUTH = {"true": True, "false": False}
_READ: dict[str, Callable[[str], Any]] = {
    "int": lambda text: int(text, 0),
    "float": float,
    "bool": lambda text: _TRUTH[text.lower()],
}


def from_node(node: Node, kind: Type) -> Any:
    """A YAML value as a value of a type.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    if node.kind == "text":
        if node.style and kind.name == "tuple" and len(kind.args) == 1 and kind.args[0].name != "tuple":
            return (from_node(node, kind.args[0]),)
        return node.text if node.style and kind.name in ("str", "uuid", "any") else from_text(node.text, kind)
    if kind.name == "any":
        return tuple(from_node(n, kind) for n in node.items)
    if kind.name != "tuple":
        raise ValueError(f"{_wanted(kind)} is wanted, not {node.named}")
    if node.kind == "mapping":
        inner = _pair(kind, node.named)
        return tuple((from_node(k, inner[0]), from_node(v, inner[1])) for k, v in node.pairs)
    if len(kind.args) == 1:
        return tuple(from_node(n, kind.args[0]) for n in node.items)
    if len(node.items) != len(kind.args):
        raise ValueError(f"{len(kind.args)} values are wanted, not {len(node.items)}")
    return tuple(from_node(n, k) for n, k in zip(node.items, kind.args, strict=True))


def from_text(text: str, kind: Type) -> Any:
    """A text as a value of a type: a set is ``[a, b]``, one bare value, or nothing at all; a map is ``{k=v}``.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    text = text.strip()
    if kind.name in ("str", "uuid"):
        return unquoted(text)
    if kind.name == "tuple":
        return _many(text, kind)
    if kind.name in _READ:
        try:
            return _READ[kind.name](text)
        except (ValueError, KeyError):
            raise ValueError(f"{_wanted(kind)} is wanted, not {text!r}") from None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _many(text: str, kind: Type) -> tuple[Any, ...]:
    if text[:1] + text[-1:] == "{}":
        first, second = _pair(kind, text)
        return tuple((from_text(k, first), from_text(v, second)) for k, v in pairs(text[1:-1]))
    parts = list(split(text[1:-1])) if text[:1] + text[-1:] in ("[]", "()") else [text] if text else []
    if len(kind.args) == 1:
        return tuple(from_text(p, kind.args[0]) for p in parts)
    if kind.args and len(parts) != len(kind.args):
        raise ValueError(f"{len(kind.args)} values in brackets are wanted, not {text!r}")
    return tuple(from_text(p, k) for p, k in zip(parts, kind.args, strict=False))


def _pair(kind: Type, given: str) -> tuple[Type, Type]:
    if len(kind.args) > 1:
        raise ValueError(f"{len(kind.args)} values in brackets are wanted, not {given}")
    if not kind.args or len(kind.args[0].args) != 2:
        raise ValueError(f"a set is wanted, not {given}")
    return kind.args[0].args[0], kind.args[0].args[1]


def _wanted(kind: Type) -> str:
    return _PLURAL.get(kind.name, "one text")


def unquoted(text: str) -> str:
    """A text without the quotes around it, if there are any; escapes in quotes are Python's."""
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text
        return str(value)
    return text


def split(text: str) -> Iterator[str]:
    """The parts of a text between commas that stand in no brackets and no quotes.

    Raises:
        ValueError: a bracket or quote isn't closed.
    """
    try:
        spans, end = arguments(f"({text})", 0)
    except QuestionError as error:
        raise ValueError(f"{text!r}: {error}") from None
    if end <= len(text):
        raise ValueError(f"{text!r}: unbalanced ')'")
    yield from (text[start - 1 : stop - 1] for start, stop in spans)


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """The entries of a map without its brackets: ``key=value``, or ``key: value``.

    Raises:
        ValueError: an entry is neither.
    """
    for part in split(text):
        found = _ENTRY.fullmatch(part)
        if not found:
            raise ValueError(f"{part!r} is no entry of a map; write key=value")
        yield found[1].strip(), found[2].strip()


def written(value: Any, kind: Type) -> str:
    """A value as a cell of a table, which ``from_text`` reads as the same value."""
    if isinstance(value, tuple):
        if not value:
            return "[]"
        if len(kind.args) == 1:
            inner = kind.args[0]
            if inner.name == "tuple" and len(inner.args) == 2:
                return "{" + ", ".join(f"{element(k)}={element(v)}" for k, v in value) + "}"
        return "[" + ", ".join(map(element, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    plain = value == value.strip() and unquoted(value) == value and " | " not in f" {value} " and "\n" not in value
    return value if plain else repr(value).replace(" | ", r" \x7c ")


def element(value: Any) -> str:
    """A value inside of brackets."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(element, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if re.fullmatch(r"[^\s,=\[\](){}'\"]+(?: [^\s,=\[\](){}'\"]+)*", text) else repr(value)


def same(value: Any, wanted: Any) -> bool:
    """Whether a value is as expected; ``…`` in an expected text stands for any text."""
    if isinstance(wanted, str) and ANYTHING in wanted and isinstance(value, str):
        return re.fullmatch(".*".join(map(re.escape, wanted.split(ANYTHING))), value, re.DOTALL) is not None
    if isinstance(wanted, tuple) and isinstance(value, tuple):
        return len(wanted) == len(value) and all(map(same, value, wanted))
    return bool(value == wanted)
