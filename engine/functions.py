"""Generated functions: what of one is the same in every engine of a program, and how an engine's tables are put in."""

from __future__ import annotations

import marshal
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Read = tuple[int, str, tuple[int, ...] | None]
"""What a literal reads: its body position, the relation, the positions of an index or None for the table itself."""


class Sources(Protocol):
    """Where a generated function finds the data structures that it reads."""

    def table(self, literal: int, relation: str) -> dict[Any, Any]:
        """The visible facts: fact → count, or key → fact for a relation with a key."""

    def index(self, literal: int, relation: str, positions: tuple[int, ...]) -> dict[Any, Any]:
        """Facts by the values at some positions: a fact, or a dict of several."""


@dataclass(slots=True)
class Function:
    """A generated function without the tables of an engine.

    Attributes:
        title: what tracebacks call it.
        code: source of a module that defines ``run``; once it has been needed, its code as ``marshal`` keeps it.
        names: the objects that it refers to, by name.
        reads: the tables that it refers to, by name.
    """

    title: str
    code: str | bytes
    names: Mapping[str, Any]
    reads: Mapping[str, Read]

    def compile(self) -> bytes:
        """The module's code.

        Raises:
            SyntaxError: loops stand deeper in each other than Python allows.
        """
        if isinstance(self.code, str):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # of comparisons that Python thinks are mistakes
                self.code = marshal.dumps(compile(self.code, self.title, "exec"))
        return self.code

    def link(self, sources: Sources) -> Callable[..., None]:
        """The function over the tables of an engine; the tables are found now, it is compiled when it first runs."""
        names = dict(self.names)
        for name, (literal, relation, positions) in self.reads.items():
            if positions is None:
                names[name] = sources.table(literal, relation)
            else:
                names[name] = sources.index(literal, relation, positions)
        function: Callable[..., None] | None = None

        def run(*arguments: Any) -> None:
            nonlocal function
            if function is None:  # most functions of a large program never run
                exec(marshal.loads(self.compile()), names)  # noqa: S102, S302 - generated from a checked program
                function = names["run"]
            function(*arguments)

        return run
