"""What a verb is: a question about a network, its answer as a document, and how that is shown.

A document is what JSON can hold, so that the one who asks may be in another process than the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from rich.console import Console

    from ovn_rules.engine import Engine
    from ovn_rules.rules.program import Program

Document = dict[str, Any]
"""An answer: objects, lists, texts, numbers, true, false and null."""


class World(Protocol):
    """What is asked about."""

    @property
    def engine(self) -> Engine:
        """The facts, with everything derived."""

    @property
    def program(self) -> Program:
        """The rule program."""


@dataclass(frozen=True)
class Option:
    """An option of a verb: ``--depth 3``, ``--all``.

    Attributes:
        name: without dashes.
        kind: a whole number, a text, or a flag without a value.
        default: what it is when it isn't given.
        help: what it does, in one line.
    """

    name: str
    kind: Literal["number", "text", "flag"]
    default: int | str | bool | None
    help: str


Kind = Literal["fact", "row", "rule", "absent", "note"]
"""What a box of a picture is."""


@dataclass(frozen=True)
class Node:
    """A box of a picture.

    Attributes:
        name: unique in the graph.
        label: its text, lines parted by newlines.
        kind: what it is: decides its look.
        title: more about it, shown on demand.
    """

    name: str
    label: str
    kind: Kind
    title: str = ""


@dataclass(frozen=True)
class Edge:
    """An arrow of a picture, between two nodes' names."""

    tail: str
    head: str
    label: str = ""


@dataclass(frozen=True)
class Graph:
    """A picture before it is drawn."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


Answer = Callable[[World, str, Mapping[str, Any]], Document]
Show = Callable[[Document, "Console"], None]


@dataclass(frozen=True)
class Verb:
    """A question that can be asked.

    Attributes:
        name: what it is called.
        argument: the name of its argument, in capitals.
        summary: one line.
        help: what it does, in a few sentences.
        examples: arguments and options of the verb, as typed after its name in a shell.
        answer: finds the answer; takes the network, the argument's text and the options.
        show: prints an answer; takes the document alone.
        graph: makes a picture of an answer; None where there is none.
        options: its options.
        prepare: what is done to the argument where it is typed, before it is asked: files that it names are read.
    """

    name: str
    argument: str
    summary: str
    help: str
    examples: tuple[str, ...]
    answer: Answer
    show: Show
    graph: Callable[[Document], Graph] | None = None
    options: tuple[Option, ...] = field(default=())
    prepare: Callable[[str], str] = str

    @property
    def formats(self) -> tuple[str, ...]:
        """The values of ``--format``."""
        return ("text", "json", *(("dot", "mermaid", "html") if self.graph else ()))

    def defaults(self) -> dict[str, Any]:
        """Every option with the value it has when it isn't given."""
        return {o.name: o.default for o in self.options}
