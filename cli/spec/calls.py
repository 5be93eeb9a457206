"""``Name(value, column=value)``: facts, selections of facts, and uses of templates, as specs write them in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovn_rules.cli.spec.document import Node
from ovn_rules.cli.spec.values import pairs, split, unquoted

_CALL = re.compile(r"([A-Za-z_][\w.-]*)\s*(?:\((.*)\))?", re.DOTALL)
_NAMED = re.compile(r"([A-Za-z_][\w.-]*)\s*=(?!=)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A name with arguments.

    Attributes:
        name: before the parenthesis.
        values: arguments by position, as texts.
        named: arguments by name, as texts.
    """

    name: str
    values: tuple[str, ...]
    named: dict[str, str]


def parse_call(text: str) -> Call:
    """Reads ``Name(value, column=value)``; the parentheses may be left out.

    Raises:
        ValueError: it isn't that; the message says why.
    """
    found = _CALL.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text.strip()!r} is not of the form Name(value, column=value)")
    values: list[str] = []
    named: dict[str, str] = {}
    for part in split(found[2] or ""):
        argument = _NAMED.fullmatch(part)
        if not argument:
            if named:
                raise ValueError(f"{part!r} stands after arguments with a name, and has none")
            values.append(part)
        elif argument[1] in named:
            raise ValueError(f"{argument[1]} is given twice")
        else:
            named[argument[1]] = argument[2]
    return Call(found[1], tuple(values), named)


def argument(text: str, at: Node) -> Node:
    """An argument of a template as a node: ``[a, b]`` is a list, ``{k=v}`` a mapping, all else a text.

    Args:
        text: the argument.
        at: where it stands.
    """
    text = text.strip()
    ends = text[:1] + text[-1:]
    try:
        if ends == "[]":
            return Node("list", at.line, at.start, at.end, items=tuple(argument(t, at) for t in split(text[1:-1])))
        if ends == "{}":
            entries = tuple((argument(k, at), argument(v, at)) for k, v in pairs(text[1:-1]))
            return Node("mapping", at.line, at.start, at.end, pairs=entries)
    except ValueError:
        pass  # a set of the logical flow language, say: {80 443}
    quoted = len(text) > 1 and ends in ("''", '""') and unquoted(text) != text
    return Node("text", at.line, at.start, at.end, unquoted(text), ends[0] if quoted else "")
