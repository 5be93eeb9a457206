"""YAML as it was written: nodes that know their line and their place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ovn_rules.engine.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ruamel.yaml.nodes import Node as YamlNode

NOTHING = ("", "~", "null", "none")
"""Plain scalars that say there is none of it."""

_PARAMETER = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Node:
    """A value of a YAML file.

    Attributes:
        kind: a text (numbers and the like are texts that nobody has read yet), a list or a mapping.
        line: where it begins, from 1; for a block of lines (``|``) the line after the bar.
        start, end: its place in the file's text, in characters.
        text: of a text, its value.
        style: of a text, how it is written: a quote, ``|``, ``>`` or empty.
        items: of a list, its elements.
        pairs: of a mapping, keys and values.
    """

    kind: Literal["text", "list", "mapping"]
    line: int
    start: int
    end: int
    text: str = ""
    style: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it says that there is nothing: ``none``, ``[]``, ``{}`` or nothing at all."""
        if self.kind == "text":
            return not self.style and self.text in NOTHING
        return not self.items and not self.pairs

    @property
    def named(self) -> str:
        """What it is, for messages."""
        return {"text": repr(self.text), "list": "a list", "mapping": "a mapping"}[self.kind]


class SpecError(Exception):
    """What is wrong with a spec file: ``lines`` has one line for each mistake, with file and line."""

    def __init__(self, lines: Collection[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


class Mistakes:
    """Collects what is wrong with a file.

    Args:
        file: its path, as messages name it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: dict[tuple[int, str], None] = {}

    def add(self, line: int, text: str) -> None:
        """Note a mistake; the same one is noted once."""
        self.found[line, text] = None

    def unknown(self, line: int, what: str, name: str, known: Collection[str]) -> None:
        """Note a name that doesn't exist, with the one that was probably meant."""
        hint = did_you_mean(name, known) or f"there {'is' if len(known) == 1 else 'are'} {', '.join(sorted(known))}"
        self.add(line, f"no {what} {name!r}; {hint if known else 'there is none at all'}")

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            SpecError: something was.
        """
        if self.found:
            raise SpecError([f"{self.file}:{line}: {text}" for line, text in sorted(self.found)])


def parse(text: str, file: str) -> Node:
    """A file's text as nodes.

    Args:
        text: what the file says.
        file: its path, for messages.

    Raises:
        SpecError: it isn't YAML, or a mapping has a key twice.
    """
    try:
        root = YAML().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        raise SpecError([f"{file}:{mark.line + 1 if mark else 1}: not YAML: {said}"]) from None
    except (YAMLError, ValueError) as error:
        raise SpecError([f"{file}:1: not YAML: {' '.join(str(error).split())}"]) from None
    if root is None:
        raise SpecError([f"{file}:1: the file is empty"])
    mistakes = Mistakes(file)
    node = _node(root, mistakes, ())
    mistakes.raise_any()
    return node


def _node(given: YamlNode, mistakes: Mistakes, inside: tuple[YamlNode, ...]) -> Node:
    line, start, end = given.start_mark.line + 1, given.start_mark.index, given.end_mark.index
    if any(given is each for each in inside):
        mistakes.add(line, "an alias of what it stands in")
        return Node("text", line, start, end)
    inside = (*inside, given)
    if isinstance(given, ScalarNode):
        style = given.style or ""
        return Node("text", line + (style in "|>" and style != ""), start, end, given.value, style)
    if isinstance(given, SequenceNode):
        return Node("list", line, start, end, items=tuple(_node(n, mistakes, inside) for n in given.value))
    assert isinstance(given, MappingNode)  # noqa: S101 - YAML has no others
    pairs = []
    seen: dict[str, int] = {}
    for name, value in given.value:
        key = _node(name, mistakes, inside)
        if key.kind != "text":
            mistakes.add(key.line, f"a key is a text, not {key.named}; quote what begins with a bracket")
            continue
        if key.text in seen:
            mistakes.add(key.line, f"{key.text!r} stands here for the second time, first in line {seen[key.text]}")
        seen.setdefault(key.text, key.line)
        pairs.append((key, _node(value, mistakes, inside)))
    return Node("mapping", line, start, end, pairs=tuple(pairs))


def fill(node: Node, values: Mapping[str, Node], used: set[str], mistakes: Mistakes) -> Node:
    """A node with ``$name`` and ``${name}`` replaced, and ``$$`` by a dollar sign.

    A text that is nothing but one parameter becomes the parameter's value, of whatever kind.

    Args:
        node: what to replace in.
        values: parameter → value.
        used: takes the names of those that were used.
        mistakes: takes names that aren't parameters.
    """
    if node.kind == "list":
        return replace(node, items=tuple(fill(n, values, used, mistakes) for n in node.items))
    if node.kind == "mapping":
        pairs = ((fill(k, values, used, mistakes), fill(v, values, used, mistakes)) for k, v in node.pairs)
        return replace(node, pairs=tuple(pairs))
    if "$" not in node.text:
        return node
    whole = _PARAMETER.fullmatch(node.text)
    if whole and (value := values.get(whole[2] or whole[3])) is not None:
        used.add(whole[2] or whole[3])
        return replace(value, line=node.line, start=node.start, end=node.end)

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        name = found[2] or found[3]
        if name not in values:
            mistakes.unknown(node.line, "parameter", name, values)
            return found[0]
        used.add(name)
        return as_text(values[name])

    return replace(node, text=_PARAMETER.sub(put, node.text))


def as_text(node: Node) -> str:
    """A value as it is written inside of a text."""
    if node.kind == "text":
        return node.text
    if node.kind == "list":
        return "[" + ", ".join(map(as_text, node.items)) + "]"
    return "{" + ", ".join(f"{as_text(k)}={as_text(v)}" for k, v in node.pairs) + "}"
