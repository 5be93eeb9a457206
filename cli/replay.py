"""What database files tell of a network's past: their transactions, derived one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.cli.choosing import SCHEMAS
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.setaside import SetAside
from ovn_rules.engine import Engine
from ovn_rules.engine.history import Commit, History, Source
from ovn_rules.io.files import FileError
from ovn_rules.io.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine import Program
    from ovn_rules.io.replay import Replayed


class _Lines:
    """Where rows that are set aside are said: in a list, each once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def say(self, _level: str, text: str) -> None:
        self._lines.append(text)


def replay(program: Program, files: Mapping[str, list[str]]) -> tuple[Engine, History, list[str]]:
    """Derive all that files have been through.

    Args:
        program: the rules.
        files: database → its files; of a host's database several hosts'.

    Returns:
        The engine as it is after the last transaction, the history of all, and a line for each thing that was
        tolerated.

    Raises:
        Failure: a file holds no transactions, or can't be used.
    """
    relations = list(program.relations.values())
    found = Replay()
    try:
        for name, paths in files.items():
            if paths:
                found.read(paths, name, relations, SCHEMAS[name])
    except FileError as error:
        raise Failure(str(error)) from error
    engine, history = Engine(program), History()
    aside = SetAside(_Lines(found.warnings))
    for each in found.transactions:
        source = _source(each)
        given = {n: (list(d), list(i)) for n, (d, i) in each.delta.items()}
        changes = aside.transact(engine, given)
        history.record(source.time, (source,), aside.without(given), changes.relations, loaded=False)
    return engine, history, found.warnings


def _source(each: Replayed) -> Source:
    unknown = f"all rows of {each.path} were written at once then, as when it is compacted or copied"
    commits = [] if each.snapshot else [Commit(each.time, each.comment)]
    return Source(each.database, each.time or 0.0, each.delta, commits, unknown if each.snapshot else "")
