"""The rules that are shipped, held to brute force and to pyDatalog under random changes of small networks.

``OVN_RULES_SEQUENCES`` sets the number of sequences for each program (30 when it is not given).
"""

import copy
import os

import pytest
from hypothesis import HealthCheck, given, settings
from shipped import FACTS, START, read_by, transactions

from ovn_rules.engine import Engine, reference
from ovn_rules.engine.ir import Allocate
from ovn_rules.engine.naive import evaluate
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE

SEQUENCES = int(os.environ.get("OVN_RULES_SEQUENCES", "30"))
LENGTH = 6
"""Transactions in a sequence, at most."""

PROGRAMS = {role: getattr(EZBAKE, role).load() for role in ("northd", "controller", "everything")}


class Follower:
    """A program's engine, and the rows and facts that it was given."""

    def __init__(self, program):
        """Start with a network that works."""
        self.program = program
        self.engine = Engine(program)
        self.rows = {t: copy.deepcopy(START.get(t, {})) for t in read_by(program)}
        self.facts = {r: set() for r in FACTS if r in program.relations and r not in program.derived}
        self.base = {n: set() for n in program.relations if n not in program.derived}
        self.seen = {n: set() for n in program.derived}
        self.allocating = [c.relation for c in program.clauses if any(isinstance(t, Allocate) for t in c.terms)]

    def change(self, transaction):
        """Take changes into the rows and facts."""
        for place, which, what in transaction:
            if place in self.facts:
                self.facts[place] -= {which}
                self.facts[place] |= {which} if what else set()
            elif what is None:
                self.rows[place].pop(which, None)
            else:
                self.rows[place][which] = what

    def commit(self):
        """Bring the engine up to date; what it reports is exactly what has changed."""
        tables = {t: [{"_uuid": u, **row} for u, row in rows.items()] for t, rows in self.rows.items()}
        found = {r: set(facts) for r, facts in facts_of(self.program, tables).items()}
        now = {r: found.get(r, set()) | self.facts.get(r, set()) for r in self.base}
        changes = self.engine.transact({r: (self.base[r] - now[r], now[r] - self.base[r]) for r in now})
        self.base = now
        assert set(changes) <= self.program.derived
        for name, before in self.seen.items():
            deleted, inserted = changes[name]
            after = set(self.engine.facts(name))
            assert sorted(deleted) == sorted(before - after), name
            assert sorted(inserted) == sorted(after - before), name
            self.seen[name] = after

    def compare(self):
        """Facts, derivation counts and what keys keep out are those of the naive evaluator."""
        numbers = {n: self.engine.allocations(n) for n in self.allocating}
        state = evaluate(self.program, self.base, numbers)
        for name in self.program.relations:
            counts = {f: self.engine.count(name, f) for f in self.engine.facts(name)}
            assert counts == state.facts[name], name
            assert {f: self.engine.count(name, f) for f in state.losers[name]} == state.losers[name], name
        for name in self.allocating:
            assert set(numbers[name]) == state.groups[name], name
        return state, numbers


@pytest.mark.parametrize("role", PROGRAMS)
def test_start_uses_most_clauses(role):
    """The network that the sequences change puts the greater part of a program to work."""
    follower = Follower(PROGRAMS[role])
    follower.commit()
    rules = follower.engine.network.rules
    assert sum(r.calls > 0 for r in rules) > len(rules) * 0.7


@pytest.mark.parametrize("role", PROGRAMS)
def test_incremental_is_from_scratch(role, compared):
    """After any sequence of changes of rows, a shipped program's engine holds what follows from the rows."""
    program = PROGRAMS[role]

    @given(sequence=transactions(program, LENGTH))
    @settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=list(HealthCheck))
    def run(sequence):
        follower = Follower(program)
        for transaction in [[], *sequence]:
            follower.change(transaction)
            follower.commit()
            follower.compare()
            compared[f"transactions of shipped rules ({role}) compared with the naive evaluator"] += 1
        state, numbers = follower.compare()
        found = reference.evaluate(program, follower.base, numbers)
        assert found == {name: set(facts) for name, facts in state.facts.items()}
        compared[f"final states of shipped rules ({role}) compared with pyDatalog"] += 1

    run()
