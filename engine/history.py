"""What happened lately: the last transactions of an engine, and which of them a fact came and went with.

A transaction is kept as the engine gave it, not copied: recording costs about a microsecond. Two bounds hold: how many
transactions are kept, and how many changed facts in all. A transaction that alone has more than a tenth of the facts,
as the load of a whole network, is kept as numbers, so that what happened before it isn't driven out. A fact costs 100
to 300 bytes if nothing but the history holds it any more, and 8 bytes while the engine does: 100,000 facts are 30 MB at
worst.
"""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ovn_rules.engine.explain import Explainer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ovn_rules.engine.explain import Derivation, Premise
    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.runtime import Change, Engine

    Delta = Mapping[str, Change]

DERIVATIONS = 1000
"""How many of a fact's derivations are looked at."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What whoever made a change said of it.

    Attributes:
        time: when it was committed, in seconds since 1970; None where that isn't known.
        comment: the comment of its transaction; empty when it had none.
    """

    time: float | None
    comment: str


@dataclass(slots=True, eq=False)
class Source:
    """Changes of base facts that came from one place in one piece.

    Attributes:
        name: where they came from: a database's name.
        time: when, in seconds since 1970.
        delta: relation → (deleted, inserted); emptied when its transaction is kept as numbers.
        commits: what those who made them said, oldest first.
        unknown: why there are no commits, when that is known.
    """

    name: str
    time: float
    delta: Delta
    commits: list[Commit] = field(default_factory=list)
    unknown: str = ""


@dataclass(slots=True, eq=False)
class Transaction:
    """A transaction of the engine.

    Attributes:
        number: counted from 1 since the history began.
        time: when, in seconds since 1970.
        sources: where its changes came from.
        given: the changes of base facts; None when it is kept as numbers.
        changes: the changes of derived facts; None when it is kept as numbers.
        size: how many facts changed.
        loaded: the engine began anew with it: what it held before this isn't among the changes.
    """

    number: int
    time: float
    sources: tuple[Source, ...]
    given: Delta | None
    changes: Delta | None
    size: int
    loaded: bool

    def change(self, relation: str) -> Change:
        """The deleted and inserted facts of a relation; none when it is kept as numbers."""
        if self.given is None or self.changes is None:
            return (), ()
        return self.given.get(relation) or self.changes.get(relation) or ((), ())


@dataclass(frozen=True, slots=True)
class Entry:
    """What a transaction did to a fact.

    Attributes:
        kind: it appeared, it vanished, or it held already and one of the reasons it has now came.
        transaction: which.
        derivation: for ``rederived`` the reason that came.
    """

    kind: Literal["appeared", "vanished", "rederived"]
    relation: str
    fact: Fact
    transaction: Transaction
    derivation: Derivation | None = None


class History:
    """The last transactions of an engine.

    Args:
        transactions: how many are kept at most; None for all.
        facts: how many changed facts they may have in all; None for any number.

    Attributes:
        kept: the transactions, oldest first.
        facts: how many changed facts they hold.
        limit: how many transactions are kept at most; None for all.
        dropped: whether older ones have been dropped.
    """

    def __init__(self, transactions: int | None = None, facts: int | None = None) -> None:
        self.kept: deque[Transaction] = deque()
        self.facts = 0
        self.limit = transactions
        self._most = sys.maxsize if transactions is None else transactions
        self._most_facts = sys.maxsize if facts is None else facts
        self._large = self._most_facts // 10
        self._number = 0

    @property
    def dropped(self) -> bool:
        """Whether older transactions than the ones kept have been dropped."""
        return self._number > len(self.kept)

    def record(self, time: float, sources: tuple[Source, ...], given: Delta, changes: Delta, loaded: bool) -> None:
        """Take a transaction that has been made.

        Args:
            time: when, in seconds since 1970.
            sources: where its changes came from.
            given: the changes of base facts, those that had no effect left out. It is kept, and must not change.
            changes: what the engine returned; likewise.
            loaded: the engine was new.
        """
        size = 0
        for gone, come in given.values():
            size += len(gone) + len(come)
        for gone, come in changes.values():
            size += len(gone) + len(come)
        self._number = number = self._number + 1
        kept = self.kept
        if size > self._large:
            for source in sources:
                source.delta = {}
            kept.append(Transaction(number, time, sources, None, None, size, loaded))
        else:
            kept.append(Transaction(number, time, sources, given, changes, size, loaded))
            self.facts += size
        while len(kept) > self._most or self.facts > self._most_facts:
            oldest = kept.popleft()
            if oldest.given is not None:
                self.facts -= oldest.size

    def changed(self, relation: str, wanted: Callable[[Fact], bool]) -> list[Fact]:
        """The facts of a relation that appeared or vanished in the transactions kept, the newest change first.

        Of one transaction those that appeared come first.

        Args:
            relation: the relation.
            wanted: which facts.
        """
        found: dict[Fact, None] = {}
        for transaction in reversed(self.kept):
            for facts in reversed(transaction.change(relation)):
                found.update((fact, None) for fact in facts if fact not in found and wanted(fact))
        return list(found)

    def of(self, engine: Engine, relation: str, fact: Fact) -> list[Entry]:
        """What happened to a fact in the transactions kept, newest first.

        Args:
            engine: as it is after the last transaction.
            relation: the fact's relation.
            fact: the fact.
        """
        entries: list[Entry] = []
        again = _reasons(engine, relation, fact)
        for transaction in reversed(self.kept):
            came = [d for d in again if any(_came(transaction, p) for p in d.premises)]
            again = [d for d in again if d not in came]
            gone, come = transaction.change(relation)
            if fact in come:
                if fact not in gone:
                    entries.append(Entry("appeared", relation, fact, transaction))
                again = []
            elif fact in gone:
                entries.append(Entry("vanished", relation, fact, transaction))
                again = []
            else:
                entries.extend(Entry("rederived", relation, fact, transaction, d) for d in came[:1])
        return entries

    def since(self, entry: Entry | None) -> Iterator[Transaction]:
        """The transactions after an entry's, newest first; all when there is none."""
        for transaction in reversed(self.kept):
            if entry is not None and transaction is entry.transaction:
                return
            yield transaction


def _reasons(engine: Engine, relation: str, fact: Fact) -> list[Derivation]:
    explainer = Explainer(engine)
    if relation not in engine.program.derived or not explainer.holds(relation, fact):
        return []
    return list(explainer.derivations(relation, fact, most=DERIVATIONS))


def _came(transaction: Transaction, premise: Premise) -> bool:
    """Whether a premise came to hold in a transaction."""
    gone, come = transaction.change(premise.relation)
    if premise.negated:
        return bool(gone) and any(fits(premise, fact) for fact in gone)
    return premise.fact in come


def fits(premise: Premise, fact: Fact) -> bool:
    """Whether a fact is one that a negated premise says is absent."""
    return all(p is None or p == v for p, v in zip(premise.pattern, fact, strict=True))


def facts_in(delta: Delta) -> Iterator[tuple[str, Fact, bool]]:
    """The facts of a change: relation, fact, whether it came; those that came last."""
    for i in (0, 1):
        for relation, change in delta.items():
            facts: Collection[Fact] = change[i]
            for fact in facts:
                yield relation, fact, i == 1
