"""Facts that a rule's function fails on are set aside, so that everything else goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ovn_rules.engine import Changes, Engine, Fact, RuleFailure

Delta = Mapping[str, tuple[Iterable[Fact], Iterable[Fact]]]
Given = dict[str, tuple[list[Fact], list[Fact]]]
Item = tuple[str, Fact]
Unit = tuple[str, list[Fact], list[Fact]]
"""What changes together: of a relation the facts of one row, deleted and inserted."""


class Says(Protocol):
    """Where something is said: a daemon's log, a person's terminal."""

    def say(self, level: str, text: str) -> None:
        """Says one line; levels are those of ``cli.log``."""


class SetAside:
    """Takes changes of base facts into an engine, but for those that a rule fails on.

    Args:
        log: where they are said, once each.

    Attributes:
        inserted: facts that are not in the engine though they were given → the base facts they failed with; none
            when the rule failed on derived facts.
        deleted: facts that are in the engine though they were taken away.
    """

    def __init__(self, log: Says) -> None:
        self.log = log
        self.inserted: dict[Item, tuple[Item, ...]] = {}
        self.deleted: dict[Item, None] = {}

    def transact(self, engine: Engine, given: Given) -> Changes:
        """Give an engine changes of base facts, and what was set aside if it may succeed now.

        Args:
            engine: the engine.
            given: relation → (facts to delete, facts to insert); what is set aside is taken out of it.

        Returns:
            What changed in all.
        """
        known = {*self.inserted, *self.deleted}
        self._take_back(given)
        while True:
            try:
                return engine.transact(given)
            except RuleFailure as failure:
                culprits = [(n, f) for n, f in failure.facts if f in given.get(n, ((), ()))[1]]
                if not culprits:
                    return self._in_parts(engine, given, known)
                base = tuple(i for i in failure.facts if i[0] not in engine.program.derived)
                self._say(culprits, failure, known)
                for name, fact in culprits:
                    given[name][1].remove(fact)
                    self.inserted[name, fact] = base if len(base) == len(failure.facts) else ()

    def _say(self, items: Iterable[Item], failure: RuleFailure, known: set[Item]) -> None:
        if not known.issuperset(items):
            self.log.say("err", f"{failure}; set aside until these rows change: {', '.join(map(_text, items))}")

    def _take_back(self, given: Given) -> None:
        """Try again what was set aside when a fact goes that it failed with, or it isn't known which."""
        for item in list(self.deleted):
            name, fact = item
            del self.deleted[item]
            deleted, inserted = given.setdefault(name, ([], []))
            if fact not in inserted:
                deleted.append(fact)
        for (name, fact), facts in list(self.inserted.items()):
            gone = fact in given.get(name, ((), ()))[0]
            if gone or not facts or any(f in given.get(n, ((), ()))[0] for n, f in facts):
                del self.inserted[name, fact]
                if not gone:
                    given.setdefault(name, ([], []))[1].append(fact)

    def _in_parts(self, engine: Engine, given: Given, known: set[Item]) -> Changes:
        """The rule fails on derived facts: find by halving which of the rows given they come from."""
        results: list[Changes] = []
        left = _units(given)
        while True:
            failed: list[tuple[Unit, RuleFailure]] = []
            _try(engine, left, results, failed)
            if not failed or len(failed) == len(left):
                break
            left = [unit for unit, _ in failed]
        for (name, gone, come), failure in failed:
            parts: list[Unit] = [(name, gone, [])] if gone else []  # what goes may go without what comes
            parts += [(name, [], [fact]) for fact in come]
            bad = [(parts[0], failure)] if len(parts) == 1 else []
            if not bad:
                _try(engine, parts, results, bad)
            for (_, deleted, inserted), reason in bad:
                self.inserted.update(dict.fromkeys([(name, f) for f in inserted], ()))
                self.deleted.update(dict.fromkeys((name, f) for f in deleted))
                self._say([(name, f) for f in (*deleted, *inserted)], reason, known)
        return _joined(results)

    def without(self, given: Given, others: Iterable[Item] = ()) -> Given:
        """Changes but for what is set aside.

        Args:
            given: the changes.
            others: what else is left out.
        """
        left_out = {*others, *self.inserted, *self.deleted}
        if not left_out:
            return given
        return {
            n: ([f for f in d if (n, f) not in left_out], [f for f in i if (n, f) not in left_out])
            for n, (d, i) in given.items()
        }

    def lines(self) -> list[str]:
        """What is set aside, as lines of text."""
        return [f"set aside: {_text(item)}" for item in (*self.inserted, *self.deleted)]


def _text(item: Item) -> str:
    name, fact = item
    return f"{name}({', '.join(map(str, fact))})"


def _units(given: Given) -> list[Unit]:
    units: dict[tuple[str, Any], Unit] = {}
    for name, changes in given.items():
        for i, facts in enumerate(changes):
            for fact in facts:
                unit = units.setdefault((name, fact[:1]), (name, [], []))
                (unit[1], unit[2])[i].append(fact)
    return list(units.values())


def _try(engine: Engine, units: list[Unit], results: list[Changes], failed: list[tuple[Unit, RuleFailure]]) -> None:
    """Give an engine units all at once or in halves; notes what changed, and what fails by itself."""
    given: Given = {}
    for name, gone, come in units:
        deleted, inserted = given.setdefault(name, ([], []))
        deleted += gone
        inserted += come
    try:
        results.append(engine.transact(given))
    except RuleFailure as failure:
        if len(units) == 1:
            failed.append((units[0], failure))
            return
        half = len(units) // 2
        _try(engine, units[:half], results, failed)
        _try(engine, units[half:], results, failed)


def _joined(results: list[Changes]) -> Changes:
    """Several transactions' changes as one."""
    joined = Changes()
    joined.relations = {n: (list(d), list(i)) for n, (d, i) in merge(results).items()}
    joined.conflicts = [c for r in results for c in r.conflicts]
    joined.exhausted = [e for r in results for e in r.exhausted]
    return joined


def merge(deltas: Iterable[Delta]) -> dict[str, tuple[Iterable[Fact], Iterable[Fact]]]:
    """Several changes in a row as one: what was inserted and then deleted again is gone."""
    given = list(deltas)
    if len(given) == 1:
        return dict(given[0])
    result: dict[str, tuple[dict[Fact, None], dict[Fact, None]]] = {}
    for delta in given:
        for name, (gone, come) in delta.items():
            deleted, inserted = result.setdefault(name, ({}, {}))
            for fact in gone:
                inserted.pop(fact, None)
                deleted[fact] = None
            for fact in come:
                inserted[fact] = None
    return dict(result)
