"""Databases in this process as what a session asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ovs.poller

from ovn_rules.cli import knowledge
from ovn_rules.cli.asking import Question
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.repl.world import opened
from ovn_rules.engine import inspection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ovn_rules.cli.following import Following
    from ovn_rules.cli.verbs.verb import Document, Verb
    from ovn_rules.cli.verbs.watch import Difference


class Local:
    """Databases that are followed.

    Each question is answered in a process of its own, so that it can be interrupted at any moment; changes are
    taken in meanwhile, for the next one.

    Args:
        following: the databases, loaded.
    """

    def __init__(self, following: Following) -> None:
        self.following = following

    def ask(self, verb: Verb, text: str, options: Mapping[str, Any]) -> Document:
        """See ``Asked``."""
        self.following.catch_up()
        question = Question(self.following, verb, text, options)
        try:
            while (reply := question.run()) is None:
                self.following.run()
                poller = ovs.poller.Poller()
                question.wait(poller)
                self.following.wait(poller)
                poller.block()
        finally:
            question.close()
        return opened(json.loads(reply))

    def watch(self, text: str, say: Callable[[str], None]) -> tuple[Sequence[str], Iterator[Difference]]:
        """A query whose answers are kept as the databases change."""
        from ovn_rules.cli.verbs.watch import differences  # noqa: PLC0415 - only when it is asked for
        from ovn_rules.engine.queries import parse_query  # noqa: PLC0415 - likewise

        if not self.following.databases:
            raise Failure("files don't change: watch needs a live database; query answers once")
        self.following.catch_up()
        query = parse_query(self.following.engine.program, text)
        return query.columns, differences(self.following, query, say)

    def stale(self) -> list[str]:
        """Databases that are gone."""
        return self.following.stale()

    def status(self) -> list[str]:
        """Each database, then what the engine holds."""
        engine = self.following.engine
        lines = [f"program {self.following.program.name}"]
        for name, files in self.following.files.items():
            lines += [f"{name}: file {file}" for file in files]
        gone = {line.partition(" is gone")[0]: line for line in self.following.stale()}
        for database in self.following.databases:
            where = f"{database.name}: {database.remote}"
            lines.append(gone.get(where, f"{where} {'connected' if database.synced else 'not connected'}"))
        sizes = inspection.relations(engine)
        given, derived = (sum(r.facts for r in sizes if r.derived is kind) for kind in (False, True))
        lines.append(f"{given:,} facts given, {derived:,} derived, by {len(engine.network.rules)} rules")
        conflicts = engine.conflicts()
        if conflicts:
            names = ", ".join(sorted({c.relation for c in conflicts}))
            lines.append(f"{len(conflicts)} keys that several facts share, in {names}")
        lines += [f"{e.relation}: {len(e.groups)} wait for a number" for e in engine.exhausted()]
        return [*lines, *self.following.set_aside()]

    def title(self) -> str:
        """Databases by name, with what is amiss, and the number of hosts."""
        files = [f for files in self.following.files.values() for f in files]
        words = [" ".join(f.rpartition("/")[2] for f in files)] if files else []
        words += [f"{d.name} {'live' if d.synced else 'GONE'}" for d in self.following.databases]
        hosts = len(self.following.chassis())
        if hosts:
            words.append(f"{hosts} host{'' if hosts == 1 else 's'}")
        return " | ".join(words)

    def reload(self) -> str:
        """Read the files again."""
        if not any(self.following.files.values()):
            raise Failure("there are no files; live databases are followed as they change")
        changed = self.following.reload()
        counts = [(len(gone), len(come)) for gone, come in changed.values()]
        return f"read again: {sum(c for _, c in counts)} facts came, {sum(g for g, _ in counts)} went"

    def catalogue(self) -> Document:
        """What the program has."""
        return knowledge.catalogue(self.following.engine)

    def values(self, relation: str, column: str, prefix: str) -> list[str]:
        """Values of a column."""
        return knowledge.values(self.following.engine, relation, column, prefix)

    def run(self) -> None:
        """Follow the databases."""
        self.following.run()

    def wait(self, poller: Any) -> None:
        """Wake the poller when one has something to say."""
        self.following.wait(poller)

    def close(self) -> None:
        """End the connections."""
        self.following.close()
