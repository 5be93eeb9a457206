"""Relations that derive each other, kept current under deletion.

Counting alone is wrong here: facts on a cycle support each other for ever. So every fact that loses a
derivation is taken out first, with all that depends on it; what then still has a derivation from the facts
left is put back, and the rest of the change follows as in any insertion. Derivation counts stay exact
throughout, and are what says which facts come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.network import Member
    from ovn_rules.engine.runtime import Engine
    from ovn_rules.engine.store import Counts


class _State:
    """One relation during the fixpoint.

    Attributes:
        visible: derivation counts of the facts that hold at this moment.
        hidden: derivation counts of those that don't (yet, or any more).
        removed: facts that held before the transaction and have been taken out.
        added: facts that have been put in and were not there before.
        doubtful: visible facts that have lost a derivation.
        original: the counts before the transaction of all that were touched, None where there was none.
        withdrawn: facts that no clause may make.
    """

    def __init__(self, member: Member, withdrawn: Iterable[Fact]) -> None:
        self.member = member
        self.withdrawn = withdrawn
        self.visible = member.store.counts
        self.hidden: Counts = {}
        self.removed: dict[Fact, None] = {}
        self.added: dict[Fact, None] = {}
        self.doubtful: dict[Fact, None] = {}
        self.original: dict[Fact, int | None] = {}

    def _add(self, fact: Fact, change: int) -> bool:
        """Change a fact's count; whether the fact holds at this moment."""
        counts = self.visible if fact in self.visible else self.hidden
        self.original.setdefault(fact, self.visible.get(fact))
        counts[fact] = counts.get(fact, 0) + change
        return counts is self.visible

    def restore(self) -> None:
        """Give every count that was touched the value it had."""
        for fact, count in self.original.items():
            if count is None:
                self.visible.pop(fact, None)
            else:
                self.visible[fact] = count

    def take(self) -> None:
        """Move what clauses have derived and lost since the last time into the counts."""
        member = self.member
        for fact in self.withdrawn:
            member.pending.pop(fact, None)
            member.lost[fact] = self.visible.get(fact, 0)
        if member.pending:
            gained, member.pending = member.pending, {}
            for fact, n in gained.items():
                self._add(fact, n)
        if member.lost:
            lost, member.lost = member.lost, {}
            for fact, n in lost.items():
                if n and self._add(fact, -n):
                    self.doubtful[fact] = None

    def take_out(self) -> list[Fact]:
        """Make the doubtful facts invisible."""
        facts = list(self.doubtful)
        self.doubtful.clear()
        for fact in facts:
            self.hidden[fact] = self.visible.pop(fact)
            if fact in self.added:
                del self.added[fact]
            else:
                self.removed[fact] = None
        return facts

    def put_in(self) -> list[Fact]:
        """Make every hidden fact that has a derivation visible."""
        facts = [f for f, n in self.hidden.items() if n > 0]
        for fact in facts:
            self.visible[fact] = self.hidden[fact]
            if fact in self.removed:
                del self.removed[fact]
            else:
                self.added[fact] = None
        self.hidden = {}
        return facts


def fixpoint(engine: Engine, members: Iterable[Member]) -> dict[str, tuple[list[Fact], list[Fact]]]:
    """Bring a recursive stratum up to date.

    Args:
        engine: runs the stratum's own clauses.
        members: its relations, with the derivations that other strata's changes brought and took.

    Returns:
        The exact change of each relation's facts.
    """
    states = [_State(m, engine.withdrawn.get(m.name, ())) for m in members]
    for state in states:
        engine.undoable(state.restore)
    _settle(states)
    _spread(engine, states, deleting=True)
    _spread(engine, states, deleting=False)
    return {s.member.name: (list(s.removed), list(s.added)) for s in states}


def _settle(states: list[_State]) -> None:
    for state in states:
        state.take()


def _spread(engine: Engine, states: list[_State], *, deleting: bool) -> None:
    """Take out (or put in) facts, and show the change to the stratum's own clauses until there is none."""
    while True:
        moved = False
        for state in states:
            facts = state.take_out() if deleting else state.put_in()
            if not facts:
                continue
            moved = True
            node = state.member.inner
            assert node is not None  # noqa: S101 - a recursive relation has one
            engine.show(node, facts if deleting else (), () if deleting else facts)
            _settle(states)
        if not moved:
            return
