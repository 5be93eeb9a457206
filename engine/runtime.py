"""The engine: transactions of facts in, exact changes of derived relations out.

A transaction visits the relations that changed in the order of their strata. Each one's change is complete
when it is visited; it is shown to the clauses that read it, one relation after another, so that every
derivation that came or went is counted exactly once: relations already visited are read as they are now,
the others as they were.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import did_you_mean
from ovn_rules.engine.explain import inputs
from ovn_rules.engine.failure import RuleFailure
from ovn_rules.engine.groups import GroupFailure
from ovn_rules.engine.ir import Fact, Program
from ovn_rules.engine.network import Consumer, Member, Network, Node, Rule
from ovn_rules.engine.recursion import fixpoint
from ovn_rules.engine.store import Conflict, Counts, Index, KeyedStore, pair
from ovn_rules.engine.supposing import supposing

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ovn_rules.engine.groups import Undo
    from ovn_rules.engine.numbering import Exhausted

Change = tuple[Collection[Fact], Collection[Fact]]
"""Deleted facts, inserted facts."""

_LARGE = 5_000


class Changes(Mapping[str, Change]):
    """What a transaction changed: for each derived relation the deleted and inserted facts.

    Attributes:
        conflicts: keys that several facts came to share in this transaction.
        exhausted: allocations that can't be satisfied.
    """

    def __init__(self) -> None:
        self.relations: dict[str, Change] = {}
        self.conflicts: list[Conflict] = []
        self.exhausted: list[Exhausted] = []

    def __getitem__(self, relation: str) -> Change:
        return self.relations.get(relation, ((), ()))

    def __iter__(self) -> Iterator[str]:
        return iter(self.relations)

    def __len__(self) -> int:
        return len(self.relations)


class _Failed(Exception):  # noqa: N818 - never leaves this module
    """A generated function raised: which rule's, and why."""

    def __init__(self, rule: Rule, error: Exception) -> None:
        super().__init__(str(error))
        self.rule = rule
        self.error = error


class Engine:
    """A program's relations, kept current.

    Args:
        program: what ``load`` returned.
        allocated: numbers that groups of ``allocate`` must get: relation → group → number.

    Attributes:
        program: what ``load`` returned.
        network: the relations and rules at work.
        transactions: how many have been made.
        suppositions: how to take back each supposition that is under way, outermost first.
        withdrawn: facts that no clause may make, while a supposition says so.
    """

    def __init__(self, program: Program, allocated: Mapping[str, Mapping[tuple[Any, ...], int]] | None = None) -> None:
        self.program = program
        self.network = Network(program)
        for relation, numbers in (allocated or {}).items():
            for allocator in self.network.members[relation].allocators:
                allocator.given = numbers
        self.transactions = 0
        self._seeded = False
        self.suppositions: list[list[Undo]] = []
        self.withdrawn: Mapping[str, frozenset[Fact]] = {}
        self._undo: list[Undo] = []
        self._heap: list[int] = []
        self._queued: set[int] = set()

    # -- reading -------------------------------------------------------------------------------------------

    def facts(self, relation: str) -> Collection[Fact]:
        """The visible facts of a relation: a live view, not to be held over a transaction.

        Raises:
            KeyError: for a relation that the program doesn't have.
        """
        return self.network.members[relation].store.visible()

    def count(self, relation: str, fact: Fact) -> int:
        """The number of derivations of a fact; 1 for a base fact that holds, 0 for one that doesn't."""
        return self.network.members[relation].store.count(fact)

    def conflicts(self) -> list[Conflict]:
        """All keys that several facts share now."""
        return [c for m in self.network.members.values() for c in m.store.conflicts()]

    def exhausted(self) -> list[Exhausted]:
        """All allocations whose groups wait for a number now."""
        found = (a.exhausted() for a in self.network.allocators.values())
        return [e for e in found if e is not None]

    def allocations(self, relation: str) -> dict[tuple[Any, ...], int]:
        """The numbers that a relation's ``allocate`` has given: group (the other columns) → number."""
        return {g: n for a in self.network.members[relation].allocators for g, n in a.numbers.items()}

    def recompute(self) -> dict[str, tuple[set[Fact], set[Fact]]]:
        """Evaluate everything from scratch, given the numbers already allocated, and compare.

        Returns:
            For each relation that differs, the facts that are missing here and those that shouldn't be here; one
            with another number of derivations is in both. Empty unless the engine has a fault.
        """
        derived = self.program.derived
        fresh = Engine(self.program, {r: self.allocations(r) for r in derived})
        members = self.network.members
        fresh.transact({n: ((), m.store.held()) for n, m in members.items() if n not in derived})
        differences: dict[str, tuple[set[Fact], set[Fact]]] = {}
        for name in derived:
            right, here = (set(each.network.members[name].store.counted()) for each in (fresh, self))
            if right != here:
                differences[name] = ({f for f, _ in right - here}, {f for f, _ in here - right})
        return differences

    # -- changing ------------------------------------------------------------------------------------------

    def transact(self, changes: Mapping[str, tuple[Iterable[Fact], Iterable[Fact]]]) -> Changes:
        """Delete and insert base facts, and bring every derived relation up to date.

        Deleting what isn't there and inserting what is there does nothing; a fact that is both deleted and
        inserted is there afterwards. The first transaction also derives what holds without any facts.

        Args:
            changes: base relation → (facts to delete, facts to insert).

        Returns:
            The exact change of each derived relation.

        Raises:
            KeyError: a relation that the program doesn't have.
            ValueError: a relation that rules derive, or a fact of the wrong length.
            RuleFailure: a function in a rule raised; nothing has changed.
        """
        given = {name: (list(gone), list(come)) for name, (gone, come) in changes.items()}
        for name in given:
            if name in self.program.derived:
                raise ValueError(f"{name} is derived by rules; its facts can't be given")
        self.check({name: chain(deleted, inserted) for name, (deleted, inserted) in given.items()})
        collecting = sum(len(d) + len(i) for d, i in given.values()) > _LARGE and gc.isenabled()
        if collecting:
            gc.disable()
        try:
            while True:
                try:
                    return self._attempt(given)
                except _Failed as failure:
                    self._roll_back()
                    if failure.rule.tolerant:
                        raise RuleFailure(failure.rule.clause, (), failure.error) from failure.error
                    self.network.tolerate(failure.rule)
                except BaseException:
                    self._roll_back()
                    raise
        finally:
            if collecting:
                gc.enable()

    def supposing(
        self,
        changes: Mapping[str, tuple[Iterable[Fact], Iterable[Fact]]],
        withdrawn: Mapping[str, Iterable[Fact]] | None = None,
    ) -> AbstractContextManager[Changes]:
        """Be as if a transaction had been made, for as long as the context lasts.

        On leaving, however that comes about, everything is as it was: facts, derivation counts, rivals for a key,
        indexes, groups, numbers and who waits for one, statistics. Only the order in which a relation's facts are
        listed may differ, on which nothing depends. Suppositions may be nested; a transaction within one belongs
        to it, and is taken back with it.

        A withdrawn fact is one that no clause makes: it neither holds nor comes back while the supposition lasts,
        not even through a cycle of its own consequences, and a rival for its key takes its place. Its causes
        stay: an aggregate's group has its values still, and makes another fact when they change; an allocated
        number stays taken. Withdrawing a base fact deletes it, even if the transaction inserts it; withdrawing
        what doesn't hold keeps it from coming.

        Args:
            changes: as for ``transact``.
            withdrawn: relation, base or derived → facts to take out by force.

        Returns:
            A context manager, which gives what the transaction changed. It raises what ``transact`` raises.
        """
        return supposing(self, changes, withdrawn or {})

    def check(self, facts: Mapping[str, Iterable[Fact]]) -> None:
        """Check that there are such relations, and that facts have their length.

        Args:
            facts: relation → facts that may or may not hold.

        Raises:
            KeyError: a relation that the program doesn't have.
            ValueError: a fact that is no tuple, or of the wrong length.
        """
        for name, each in facts.items():
            if name not in self.program.relations:
                hint = did_you_mean(name, self.program.relations)
                raise KeyError(f"no relation {name}{f'; {hint}' if hint else ''}")
            width = len(self.program.relations[name].columns)
            for fact in each:
                if fact.__class__ is not tuple:
                    raise ValueError(f"a fact of {name} is a tuple of {width} values, not {fact!r}")
                if len(fact) != width:
                    raise ValueError(f"{name} has {width} columns, but the fact has {len(fact)}: {fact}")

    def _attempt(self, given: Mapping[str, tuple[list[Fact], list[Fact]]]) -> Changes:
        result = Changes()
        self._undo.clear()
        if not self._seeded:
            self._seed()
        for name, (deleted, inserted) in given.items():
            self._base(name, deleted, inserted)
        for name in self.withdrawn:
            self.queue(name)
        heap, queued = self._heap, self._queued
        while heap:
            rank = heapq.heappop(heap)
            stratum = self.network.strata[rank]
            members = [self.network.members[r] for r in stratum.relations]
            changed: Mapping[str, Change]
            if stratum.recursive:
                changed = fixpoint(self, members)
            else:
                (member,) = members
                changed = {member.name: self._settle(member, result)}
            queued.discard(rank)
            for name, (gone, come) in changed.items():
                if not gone and not come:
                    continue
                if name in self.program.derived:
                    result.relations[name] = (gone, come)
                self.show(self.network.members[name].outer, gone, come)
        if self.network.doubts.noted and (failure := self.network.doubts.failure()) is not None:
            raise failure from failure.error
        self.transactions += 1
        self._finish()
        return result

    def _seed(self) -> None:
        """Derive what holds without any facts."""
        self._seeded = True
        self._undo.append(lambda: setattr(self, "_seeded", False))
        for seed in self.network.seeds:
            self._run(seed.rule, seed.run, (None,), 1)

    def _base(self, name: str, deleted: list[Fact], inserted: list[Fact]) -> None:
        """Turn given facts into changes of counts, which are 0 or 1."""
        member = self.network.members[name]
        store = member.store
        pending: Counts = {}
        if isinstance(store, KeyedStore):
            has: Callable[[Fact], bool] = store.holds
        else:
            has = store.counts.__contains__
        for fact in deleted:
            if has(fact):
                pending[fact] = -1
        for fact in inserted:
            if has(fact):
                pending.pop(fact, None)
            else:
                pending[fact] = 1
        if pending:
            member.pending = pending
            self.queue(name)

    def queue(self, relation: str) -> None:
        """See to it that the relation's stratum is visited in this transaction."""
        rank = self.network.rank[relation]
        if rank not in self._queued:
            self._queued.add(rank)
            heapq.heappush(self._heap, rank)

    def _settle(self, member: Member, result: Changes) -> tuple[Collection[Fact], Collection[Fact]]:
        """Apply what clauses added to a relation's counts; the change of its visible facts."""
        self._flush(member, result)
        pending, member.pending = member.pending, {}
        store = member.store
        for fact in self.withdrawn.get(member.name, ()):
            pending[fact] = -store.count(fact)
        if not pending:
            return [], []
        if store.table:
            self._undo.append(lambda: _unapply(member, pending))
        else:
            self._undo.append(store.clear)
        change = store.apply(pending)
        if isinstance(store, KeyedStore) and store.rivals:
            keys = dict.fromkeys(store.key(f) for f in pending)
            result.conflicts += [store.conflict(k) for k in keys if k in store.rivals]
        return change

    def _flush(self, member: Member, result: Changes) -> None:
        """Take what clauses added to a relation's groups into its counts."""
        for aggregator in member.aggregators:
            if aggregator.pending:
                try:
                    aggregator.flush(member.pending, self._undo)
                except GroupFailure as failure:
                    clause = next(r.clause for r in self.network.rules if r.aggregator is aggregator)
                    facts = inputs(self.network, clause, failure.fact)
                    raise RuleFailure(clause, facts, failure.error) from failure.error
        for allocator in member.allocators:
            if allocator.pending or allocator.waiting:
                allocator.flush(member.pending, self._undo)
                if allocator.waiting:
                    result.exhausted += filter(None, (allocator.exhausted(),))

    # -- showing a change to its consumers -------------------------------------------------------------------

    def show(self, node: Node, deleted: Collection[Fact], inserted: Collection[Fact]) -> None:
        """Run the clauses that read a relation over its change, and bring its indexes up to date."""
        definition = self.program.relations[node.relation]
        groups: Mapping[int, Change]
        if definition.key is not None and deleted and inserted:
            groups = pair(definition, deleted, inserted)
        else:
            groups = {-1: (deleted, inserted)}
        for consumer in node.before:
            self._wake(consumer, groups)
        existed = [(c, self._existing(c, groups)) for c in node.negations]
        self._update(node.indexes.values(), deleted, inserted)
        for allocator in node.allocators:
            allocator.wake(chain(deleted, inserted))
            self.queue(allocator.relation)
        for consumer in node.after:
            self._wake(consumer, groups)
        for consumer, before in existed:
            self._wake_negation(consumer, before)
        if node.late:
            self._update(node.late.values(), deleted, inserted)

    def _wake(self, consumer: Consumer, groups: Mapping[int, Change]) -> None:
        for mask, (deleted, inserted) in groups.items():
            if mask != -1 and not mask & consumer.mask:
                continue
            if deleted:
                self._run(consumer.rule, consumer.run, deleted, -1)
            if inserted:
                self._run(consumer.rule, consumer.run, inserted, 1)

    def _existing(self, consumer: Consumer, groups: Mapping[int, Change]) -> dict[Any, bool]:
        """The keys whose negation may turn, and whether facts with them exist before the change."""
        assert consumer.transition is not None  # noqa: S101 - for mypy
        places = consumer.transition
        keys: dict[Any, bool] = {}
        for mask, (deleted, inserted) in groups.items():
            if mask != -1 and not mask & consumer.mask:
                continue
            if consumer.index is not None:
                table = consumer.index.table
                for facts in (deleted, inserted):
                    for fact in facts:
                        key = places(fact)
                        keys[key] = key in table
            else:
                keys.update((places(f), True) for f in deleted)
                for fact in inserted:
                    key = places(fact)
                    if key in keys:
                        del keys[key]
                    else:
                        keys[key] = False
        return keys

    def _wake_negation(self, consumer: Consumer, before: Mapping[Any, bool]) -> None:
        """Facts came to exist where there were none, or the last ones went: the negated atom turned."""
        appeared: list[Any] = []
        vanished: list[Any] = []
        index = consumer.index
        for key, existed in before.items():
            exists = key in index.table if index is not None else not existed
            if exists is not existed:
                (appeared if exists else vanished).append((key,) if consumer.bare else key)
        if appeared:
            self._run(consumer.rule, consumer.run, appeared, -1)
        if vanished:
            self._run(consumer.rule, consumer.run, vanished, 1)

    def _update(self, indexes: Iterable[Index], deleted: Collection[Fact], inserted: Collection[Fact]) -> None:
        for index in indexes:
            # What was empty is emptied again, so that a first load need not be remembered as a whole.
            self._undo.append(partial(_restore, index, inserted, deleted) if index.table else index.table.clear)
            if deleted:
                index.remove(deleted)
            if inserted:
                index.add(inserted)

    def _run(self, rule: Rule, run: Callable[..., None], pinned: Iterable[Any], sign: int) -> None:
        member = self.network.members[rule.target]
        if rule.aggregator is not None:
            counts = rule.aggregator.pending
        elif rule.allocator is not None:
            counts = rule.allocator.pending
        elif rule.recursive and sign < 0:
            counts = member.lost
        else:
            counts = member.pending
        start = perf_counter_ns()
        try:
            run(pinned, counts, 1 if counts is member.lost else sign)
        except Exception as error:
            raise _Failed(rule, error) from error
        rule.nanoseconds += perf_counter_ns() - start
        rule.calls += 1
        if counts:
            self.queue(rule.target)

    # -- undoing -------------------------------------------------------------------------------------------

    def undoable(self, undo: Undo) -> None:
        """Note how to take back what was just done, should the transaction fail."""
        self._undo.append(undo)

    def _finish(self) -> None:
        """Forget how to undo the transaction, unless it is supposed."""
        if self.suppositions:
            self.suppositions[-1] += self._undo
        self._undo.clear()

    def _roll_back(self) -> None:
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()
        self.network.doubts.noted.clear()
        self._heap.clear()
        self._queued.clear()
        for member in self.network.members.values():
            member.pending = {}
            member.lost = {}
            for aggregator in member.aggregators:
                aggregator.pending = {}
            for allocator in member.allocators:
                allocator.pending = {}


def _restore(index: Index, deleted: Collection[Fact], inserted: Collection[Fact]) -> None:
    index.remove(deleted)
    index.add(inserted)


def _unapply(member: Member, changes: Counts) -> None:
    member.store.apply({fact: -n for fact, n in changes.items()})
