"""A control plane at work: databases feed an engine, and what it derives is written back.

What both daemons share. Everything runs in one thread, in the style of Open vSwitch's own daemons: ``run`` does
what can be done now, ``wait`` says what to wake up for.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.comments import TOO_MANY, Comments
from ovn_rules.cli.setaside import SetAside, merge
from ovn_rules.engine import Changes, Conflict, Engine, Explainer, Fact, Program
from ovn_rules.engine.history import History, Source
from ovn_rules.io.events import Connected, Event, Lost, Unusable, Updated, Waiting
from ovn_rules.io.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.cli.log import Log
    from ovn_rules.cli.unsupported import Unsupported
    from ovn_rules.engine.sinks import Sink
    from ovn_rules.io.database import Database


@dataclass
class Plane:
    """An engine between databases.

    Attributes:
        program: the rules.
        sinks: how derived relations are written.
        reports: relations whose new facts are said in the log: name, level, text with column names.
        log: where.
        versions: database → version of the schema that the rules were written for.
        signature: what a database's log is to say of what is written.
        databases: those that are followed, by name.
        writers: those that write, by database.
        history: the last transactions; None when none are kept.
        comments: looks up who changed the databases, for the history.
        unsupported: what northbound rows use that the rules don't do; None where that isn't looked at.
    """

    program: Program
    sinks: tuple[Sink, ...]
    reports: tuple[tuple[str, str, str], ...]
    log: Log
    versions: Mapping[str, str] = field(default_factory=dict)
    signature: str = ""
    databases: dict[str, Database] = field(default_factory=dict)
    writers: dict[str, Writer] = field(default_factory=dict)
    history: History | None = None
    comments: Comments | None = None
    unsupported: Unsupported | None = None

    def __post_init__(self) -> None:
        self.engine = Engine(self.program)
        self._columns = {n: tuple(c.name for c in r.columns) for n, r in self.program.relations.items()}
        self._conflicts: set[Conflict] = set()
        self._said: dict[str, set[Fact]] = {}
        self._loading: set[str] = set()
        self._exhausted: dict[str, frozenset[tuple[Any, ...]]] = {}
        self.aside = SetAside(self.log)

    # -- databases -----------------------------------------------------------------------------------------

    def attach(self, database: Database, sinks: tuple[Sink, ...] | None = None) -> None:
        """Follow a database, and write to it what sinks say: the plane's, or only these; again, to change which."""
        self.databases[database.name] = database
        chosen = self.sinks if sinks is None else sinks
        relations = {s.relation for s in chosen if s.database == database.name}
        if relations:
            writer = Writer(database, chosen, self._columns, explain=self.reason, comment=self.signature)
            self.writers[database.name] = writer
            writer.note({r: ((), list(self.engine.facts(r))) for r in relations})

    def look_up_comments(self, *, now: bool = False) -> None:
        """Look up who made the latest changes, if it is time.

        Args:
            now: even if it isn't, for a question about them.
        """
        if self.comments is not None:
            self.comments.run(now=now)

    def history_lines(self) -> list[str]:
        """What is remembered, and where comments come from, in a few lines."""
        if self.history is None or self.comments is None:
            return ["history: none is kept"]
        most = f"{len(self.history.kept)} of {self.history.limit} transactions, {self.history.facts} facts"
        return [f"history: {most}", *self.comments.places()]

    def start(self) -> None:
        """Let the writers write: what they will compare with is derived, or will be."""
        for writer in self.writers.values():
            writer.start()

    def remember(self, transactions: int, facts: int, files: Mapping[str, str]) -> None:
        """Keep a history from now on.

        Args:
            transactions: how many are kept at most; 0 for no history.
            facts: how many changed facts they may have in all.
            files: database → the server's file, where it isn't found by itself.
        """
        if transactions:
            self.history = History(transactions, facts)
            self.comments = Comments(self.program.relations, files)

    def read(self, name: str) -> list[Source]:
        """What a database has to say: its changes; everything else goes to the log."""
        sources: list[Source] = []
        database = self.databases[name]
        first = not database.loaded
        loading = self._is_loading(name)
        for event in database.run():
            if isinstance(event, Updated):
                unknown = _AS_A_WHOLE if first else TOO_MANY if loading else ""
                source = Source(name, time.time(), event.delta, unknown=unknown)
                sources.append(source)
                if self.comments is not None and not unknown:
                    self.comments.expect(source)
            else:
                self._say(event)
                first = first and not isinstance(event, Connected)
        if self.comments is not None and loading:
            self.comments.skip(name)
        if loading and name not in self._loading:
            self.settle()
        return sources

    def _is_loading(self, name: str) -> bool:
        """Whether what a database reports is mostly what is written to it: a large load, or the end of one."""
        writer = self.writers.get(name)
        was = name in self._loading
        goes_on = writer is not None and writer.in_flight and (writer.behind or was)
        (self._loading.add if goes_on else self._loading.discard)(name)
        return goes_on or was

    def _say(self, event: Event) -> None:
        level = "warn" if isinstance(event, Lost | Unusable | Waiting) else "info"
        self.log.say(level, str(event))
        if isinstance(event, Connected):
            self._check_version(event)
            if self.comments is not None:
                self.comments.follow(event.database, event.remote, event.schema)

    def _check_version(self, event: Connected) -> None:
        """Say when the server's schema is of another major version than the one the rules were written for."""
        written_for = self.versions.get(event.database, "")
        if written_for and event.version and event.version.split(".")[0] != written_for.split(".")[0]:
            self.log.say(
                "warn",
                f"{event.database}: schema version {event.version}, but the rules were written for {written_for}; "
                "what they read is there, so they go on",
            )

    def restart(self) -> None:
        """Begin again with an engine that knows nothing but what the databases hold now.

        For when others may have written in the meantime: numbers they gave are taken over, ours are forgotten.
        """
        before = {s.relation: set(self.engine.facts(s.relation)) for s in self.sinks}
        self._said = {name: set(self.engine.facts(name)) for name, _, _ in self.reports}
        if self.engine.transactions:
            self.engine = Engine(self.program)
        self.aside = SetAside(self.log)
        now = time.time()
        sources = [Source(d.name, now, d.replica.facts(), unknown=_AS_A_WHOLE) for d in self.databases.values()]
        writers, self.writers = self.writers, {}
        self.commit(*sources)
        self._said = {}
        self.writers = writers
        changes = {}
        for relation, old in before.items():
            new = set(self.engine.facts(relation))
            changes[relation] = (list(old - new), list(new - old))
        for writer in writers.values():
            writer.note(changes)
        self.settle()

    # -- the engine ----------------------------------------------------------------------------------------

    def commit(self, *sources: Source) -> Changes:
        """Take changes of base facts into the engine, and hand what follows to the writers.

        What a rule's function fails on is set aside and said in the log, and everything else goes on.
        """
        known = self.program.relations
        merged = merge([s.delta for s in sources])
        given = {n: (list(d), list(i)) for n, (d, i) in merged.items() if n in known}
        loaded = not self.engine.transactions
        # What came and went within several changes was never in the engine.
        several = self.history is not None and len(sources) > 1
        never = {(n, f) for n, (d, _) in given.items() for f in d if not self.engine.count(n, f)} if several else ()
        changes = self.aside.transact(self.engine, given)
        for writer in self.writers.values():
            writer.note(changes)
        self._report(changes)
        if self.history is not None:
            given = self.aside.without(given, never)
            self.history.record(time.time(), sources, given, changes.relations, loaded)
        return changes

    def reason(self, relation: str, fact: Fact) -> str:
        """A fact and, in one line, what it follows from."""
        text = f"{relation}({described(self._columns[relation], fact)})"
        for derivation in Explainer(self.engine).derivations(relation, fact):
            premises = ", ".join(
                f"{p.relation}({described(self._columns[p.relation], p.fact)})"
                for p in derivation.premises
                if p.fact is not None
            )
            return f"{text} by rule {derivation.clause.name} from {premises}"
        return text

    def reported(self) -> list[str]:
        """What has been said in the log of facts that still hold, a line each."""
        return sorted(
            text.format(**dict(zip(self._columns[relation], fact, strict=True)))
            for relation, _, text in self.reports
            for fact in self.engine.facts(relation)
        )

    def _report(self, changes: Changes) -> None:
        for relation, level, text in self.reports:
            said = self._said.get(relation, ())
            for fact in changes[relation][1]:
                if fact in said:
                    continue
                self.log.say(level, text.format(**dict(zip(self._columns[relation], fact, strict=True))))
        for conflict in changes.conflicts:
            self._report_conflict(conflict)
        waiting = {e.relation: e.groups for e in self.engine.exhausted()}
        for relation, groups in waiting.items():
            new = tuple(g for g in groups if g not in self._exhausted.get(relation, ()))
            what = "all tunnel keys" if relation == "PortKey" else f"{relation}: all numbers"
            if new:
                self.log.say("warn", f"{what} exhausted: {names(new)} must wait until one is free")
        self._exhausted = {relation: frozenset(groups) for relation, groups in waiting.items()}

    def _report_conflict(self, conflict: Conflict) -> None:
        if conflict in self._conflicts:
            return
        if len(self._conflicts) >= _REMEMBERED:
            self._conflicts.intersection_update(self.engine.conflicts())
        self._conflicts.add(conflict)
        columns = self._columns[conflict.relation]
        different = [f for f in conflict.rejected if outcome(columns, f) != outcome(columns, conflict.kept)]
        if different:
            rejected = "; ".join(described(columns, f) for f in different)
            kept = described(columns, conflict.kept)
            self.log.say("warn", f"{conflict.relation}: kept {kept}; rejected {rejected}")

    # -- the loop ------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Send what is to be sent: to one database after the other, in the order they were attached.

        What others wait for goes first, and has the servers to itself.
        """
        for writer in self.writers.values():
            for event in writer.run():
                self.log.say("warn", str(event))
            if writer.in_flight:
                break

    def wait(self, poller: Any) -> None:
        """Wake the poller when there is something to do."""
        for database in self.databases.values():
            database.wait(poller)
        for writer in self.writers.values():
            writer.wait(poller)
            if writer.in_flight:
                break
        if self.comments is not None:
            self.comments.wait(poller)

    @property
    def idle(self) -> bool:
        """Nothing is waiting to be written."""
        return all(w.idle for w in self.writers.values())

    def settle(self) -> None:
        """After a large load: what is there now will stay, so the collector needn't look at it again."""
        gc.freeze()

    def resync(self) -> dict[str, int]:
        """Compare everything with evaluation from scratch, and the databases with what is derived.

        Returns:
            How many facts and rows differed.
        """
        facts = sum(len(a) + len(b) for a, b in self.engine.recompute().values())
        return {"facts": facts, "rows": sum(w.resync() for w in self.writers.values())}

    def close(self) -> None:
        """End the connections."""
        for database in self.databases.values():
            database.close()
        if self.comments is not None:
            self.comments.close()


_REMEMBERED = 1000
"""Things said once are forgotten, when there are so many, unless they are still so."""

_AS_A_WHOLE = "the database was read as a whole"
"""Why there is no comment for what was there when a database was connected to."""

_OUTCOME = ("actions", "ofport", "chassis", "name")


def outcome(columns: tuple[str, ...], fact: Fact) -> tuple[Any, ...]:
    """What a fact comes to: two that agree in this are no conflict worth a word."""
    return tuple(v for c, v in zip(columns, fact, strict=True) if c in _OUTCOME)


def described(columns: tuple[str, ...], fact: Fact) -> str:
    """A fact as ``column=value`` words."""
    return " ".join(f"{c}={v}" for c, v in zip(columns, fact, strict=True) if v != "")


def names(groups: tuple[tuple[Any, ...], ...], most: int = 5) -> str:
    """A few of the groups that wait, by name."""
    shown = ", ".join(" ".join(map(str, g)) for g in groups[:most])
    return shown + (f" and {len(groups) - most} more" if len(groups) > most else "")
