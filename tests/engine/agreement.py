"""An engine beside evaluation from scratch: what both must agree on after every transaction."""

import pytest
from hypothesis import event
from number_promises import Numbers
from programs import changes

from ovn_rules.engine import reference
from ovn_rules.engine.ir import Allocate
from ovn_rules.engine.naive import Failure, evaluate
from ovn_rules.engine.runtime import Engine, RuleFailure


def show(program):
    """A program as text that can be read when a test fails."""
    lines = [f"{n}{tuple(str(c.type) for c in d.columns)} key={d.key}" for n, d in program.relations.items()]
    for clause in program.clauses:
        lines.append(f"{clause.relation}{clause.terms} <=")
        lines += [f"    {literal}" for literal in clause.body]
    return "\n".join(lines)


class Sequence:
    """An engine, the base facts that it was given, and the comparison with the naive evaluator."""

    def __init__(self, program):
        """Start without facts."""
        self.program = program
        self.engine = Engine(program)
        self.base = {n: set() for n in program.relations if n not in program.derived}
        self.seen = {n: set() for n in program.derived}
        self.numbers = {}
        self.failures = 0
        numbered = [c for c in program.clauses if any(isinstance(t, Allocate) for t in c.terms)]
        self.allocating = {c.relation: Numbers(c) for c in numbered}

    def transact(self, transaction):
        """Apply a transaction to both, and compare everything that can be observed."""
        given = changes(transaction, self.base)
        after = dict(self.base)
        for name, (deleted, inserted) in given.items():
            after[name] = self.base[name] - set(deleted) | set(inserted)
        try:
            changed = self.engine.transact(given)
        except RuleFailure:
            event("a function failed")
            self.failures += 1
            self.check_failure(after)
            changed = {}
        else:
            self.base = after
        self.check_deltas(changed)
        numbers = {n: self.engine.allocations(n) for n in self.allocating}
        state = evaluate(self.program, self.base, numbers)
        for name in self.program.relations:
            check_relation(self.engine, name, state)
        check_conflicts(self.program, self.engine, state)
        for watched in self.allocating.values():
            watched.check(self.engine, state)
        self.numbers = numbers

    def check_failure(self, after):
        """The engine refused: so must the naive evaluator, whatever numbers are allocated."""
        if self.allocating:
            return
        with pytest.raises(Failure):
            evaluate(self.program, after)

    def check_deltas(self, changed):
        """What was reported is exactly the difference between before and now."""
        assert set(changed) <= self.program.derived
        for name in self.program.derived:
            deleted, inserted = changed.get(name, ((), ()))
            now = set(self.engine.facts(name))
            assert sorted(deleted) == sorted(self.seen[name] - now), name
            assert sorted(inserted) == sorted(now - self.seen[name]), name
            self.seen[name] = now


def check_relation(engine, name, state):
    """A relation's facts and derivation counts are those of the naive evaluator."""
    facts = list(engine.facts(name))
    assert len(facts) == len(set(facts)), name
    assert {f: engine.count(name, f) for f in facts} == state.facts[name], name
    assert {f: engine.count(name, f) for f in state.losers[name]} == state.losers[name], name


def check_conflicts(program, engine, state):
    """Every fact kept out by another one with the same key is reported, and no other."""
    rejected = {n: set() for n in program.relations}
    for conflict in engine.conflicts():
        key = program.relations[conflict.relation].key
        assert conflict.kept in state.facts[conflict.relation]
        for fact in (conflict.kept, *conflict.rejected):
            assert tuple(fact[i] for i in key) == conflict.key
        rejected[conflict.relation].update(conflict.rejected)
    assert rejected == {n: set(losers) for n, losers in state.losers.items()}


def check_sequence(program, transactions, compared):
    """Carry out transactions one by one, comparing; at the end also with a fresh engine and with pyDatalog."""
    sequence = Sequence(program)
    for transaction in transactions:
        sequence.transact(transaction)
        compared["transactions compared with the naive evaluator"] += 1
    compared["of them refused because a function failed"] += sequence.failures
    state = evaluate(program, sequence.base, sequence.numbers)
    if not sequence.allocating:
        fresh = Engine(program)
        fresh.transact({n: ((), facts) for n, facts in sequence.base.items()})
        for name in program.relations:
            check_relation(fresh, name, state)
        compared["final states compared with a fresh engine"] += 1
    try:
        found = reference.evaluate(program, sequence.base, sequence.numbers)
    except reference.Unsupported as reason:
        event(f"pyDatalog can't: {reason}")
        return
    assert found == {n: set(f) for n, f in state.facts.items()}
    compared["final states compared with pyDatalog"] += 1
