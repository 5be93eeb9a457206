"""The history of an engine: it says of each fact what watching the facts says, and which rows were behind it."""

from agreement import show
from clauses import _, atom, clause, no, program, relation
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from programs import changes, programs, transactions
from snapshot import differences, snapshot

from ovn_rules.engine import Engine, RuleFailure
from ovn_rules.engine.causes import causes
from ovn_rules.engine.history import History, Source
from ovn_rules.engine.ir import Allocate

PORT, BLOCKED, SPARE = relation("Port", "int int"), relation("Blocked", "int"), relation("Spare", "int")
UP, NUMBER = relation("Up", "int"), relation("Number", "int int")
PORTS = program(
    [PORT, BLOCKED, SPARE, UP, NUMBER],
    clause("free", ("Up", "x"), atom("Port", "x", _), no("Blocked", "x")),
    clause("spare", ("Up", "x"), atom("Spare", "x")),
    clause("number", ("Number", "x", Allocate(1, 99)), atom("Port", "x", _)),
)


class Watched:
    """An engine with its history, and what its facts were after each transaction."""

    def __init__(self, program, **limits):
        """Start without facts."""
        self.program = program
        self.engine = Engine(program)
        self.history = History(**limits)
        self.base = {n: set() for n in program.relations if n not in program.derived}
        self.states = [self._state()]
        self.time = 0.0

    def _state(self):
        return {n: frozenset(self.engine.facts(n)) for n in self.program.derived}

    def transact(self, given_facts):
        """Make a transaction and record it, unless a rule fails."""
        try:
            changed = self.engine.transact(given_facts)
        except RuleFailure:
            return
        effective = {}
        for name, (deleted, inserted) in given_facts.items():
            old = self.base[name]
            new = old - set(deleted) | set(inserted)
            effective[name] = (list(old - new), list(new - old))
            self.base[name] = new
        self.time += 1
        source = Source("base", self.time, effective)
        self.history.record(self.time, (source,), effective, changed, loaded=False)
        self.states.append(self._state())

    def seen(self, name, fact):
        """What watching the states says of a fact, newest first: what happened, and in which transaction."""
        found = []
        for i in range(1, len(self.states)):
            before, after = fact in self.states[i - 1][name], fact in self.states[i][name]
            if before != after:
                found.append(("appeared" if after else "vanished", i))
        return found[::-1]

    def entries(self, name, fact, *kinds):
        """What the history says of it."""
        found = self.history.of(self.engine, name, fact)
        return [(e.kind, e.transaction.number) for e in found if not kinds or e.kind in kinds]

    def behind(self, name, fact, which=0):
        """The changes behind an entry, and whether they are exact."""
        found = causes(self.engine, self.history, self.history.of(self.engine, name, fact)[which])
        return sorted(found.changes), found.exact


def effect(program, before, changed, entry):
    """Whether changes of base facts, from scratch, do to an entry's fact what the entry says; None if a rule fails."""
    base = {n: set(f) for n, f in before.items()}
    for name, fact, came in changed:
        (base[name].add if came else base[name].discard)(fact)
    engine = Engine(program)
    try:
        engine.transact({n: ((), facts) for n, facts in base.items()})
    except RuleFailure:
        return None
    return (entry.fact in set(engine.facts(entry.relation))) is (entry.kind == "appeared")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_history_is_what_was_watched(data):
    """In random programs, of every fact that ever was, the history tells when it appeared and vanished, and no more."""
    drawn = data.draw(programs())
    note(show(drawn))
    watched = Watched(drawn)
    for transaction in data.draw(transactions(drawn, 8)):
        watched.transact(changes(transaction, watched.base))
    for name in drawn.derived:
        ever = set().union(*(s[name] for s in watched.states))
        assert set(watched.history.changed(name, lambda _: True)) == ever
        for fact in ever:
            assert watched.entries(name, fact, "appeared", "vanished") == watched.seen(name, fact)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_causes_suffice_and_are_needed(data):
    """Of a transaction the rows that are said to be behind an entry have that effect alone, and not without any."""
    drawn = data.draw(programs())
    note(show(drawn))
    watched = Watched(drawn)
    bases = [{n: set(f) for n, f in watched.base.items()}]
    for transaction in data.draw(transactions(drawn, 6)):
        before = len(watched.states)
        watched.transact(changes(transaction, watched.base))
        if len(watched.states) > before:
            bases.append({n: set(f) for n, f in watched.base.items()})
    numbered = any(isinstance(t, Allocate) for c in drawn.clauses for t in c.terms)
    assume(not numbered)  # numbers depend on all that was before
    kept = snapshot(watched.engine)
    for name in drawn.derived:
        for fact in set().union(*(s[name] for s in watched.states)):
            for entry in watched.history.of(watched.engine, name, fact):
                found = causes(watched.engine, watched.history, entry)
                assert found.exact
                if entry.kind == "rederived":
                    continue
                before = bases[entry.transaction.number - 1]
                assert effect(drawn, before, found.changes, entry) in (True, None), (entry, found)
                for each in found.changes if len(found.changes) > 1 else ():
                    others = [c for c in found.changes if c != each]
                    assert effect(drawn, before, others, entry) in (False, None), (entry, found, each)
    assert not differences(kept, snapshot(watched.engine))


def test_only_the_rows_it_depends_on():
    """Of a hundred rows in a transaction the one behind a fact is named; for two conditions, both."""
    watched = Watched(PORTS)
    watched.transact({"Blocked": ((), [(7,), (8,)])})
    watched.transact({"Port": ((), [(i, 0) for i in range(100)])})
    assert watched.behind("Up", (42,)) == ([("Port", (42, 0), True)], True)
    watched.transact({"Port": ([(i, 0) for i in range(50)], [(200, 1), (201, 1)]), "Blocked": ([(8,)], [(60,)])})
    assert watched.entries("Up", (60,)) == [("vanished", 3), ("appeared", 2)]
    assert watched.behind("Up", (60,)) == ([("Blocked", (60,), True)], True)
    assert watched.behind("Up", (60,), 1) == ([("Port", (60, 0), True)], True)
    assert watched.behind("Up", (200,)) == ([("Port", (200, 1), True)], True)
    watched.transact({"Blocked": ([(60,)], [(i,) for i in range(300, 400)])})
    watched.transact({"Port": ((), [(300, 0), (301, 0)]), "Blocked": ([(300,)], ())})
    assert watched.behind("Up", (300,)) == ([("Blocked", (300,), False), ("Port", (300, 0), True)], True)


def test_numbers_are_given_again():
    """Where a number was allocated among others and is long gone, the row behind it is found all the same."""
    watched = Watched(PORTS)
    watched.transact({"Port": ((), [(i, 0) for i in range(10)])})
    watched.transact({"Port": ([(3, 0), (4, 0)], [(20, 0), (21, 0), (22, 0)])})
    watched.transact({"Port": ([(20, 0), (22, 0)], [(30, 0), (31, 0)])})
    assert watched.behind("Number", (21, 12)) == ([("Port", (21, 0), True)], True)
    assert watched.entries("Number", (20, 11)) == [("vanished", 3), ("appeared", 2)]
    assert watched.behind("Number", (20, 11), 1) == ([("Port", (20, 0), True)], True)
    assert watched.behind("Number", (4, 5), 1) == ([("Port", (4, 0), True)], True)
    assert not watched.engine.recompute()


def test_numbers_change_hands_again():
    """Where groups moved for one that wanted a number, the wish is found, though moves have gone on since then."""
    wish, number = relation("Wish", "int int"), relation("Number", "int int")
    rule = clause("number", ("Number", "x", Allocate(1, 99, wanted="Wish")), atom("Port", "x", _))
    watched = Watched(program([PORT, BLOCKED, wish, number], rule))
    watched.transact({"Port": ((), [(i, 0) for i in range(5)])})
    watched.transact({"Wish": ((), [(0, 2), (4, 50)]), "Blocked": ((), [(1,), (2,)]), "Port": ((), [(9, 0)])})
    watched.transact({"Wish": ([(0, 2)], [(3, 2)]), "Port": ([(2, 0)], ())})
    watched.transact({"Port": ([(9, 0), (4, 0)], ()), "Wish": ((), [(0, 1)])})
    assert watched.entries("Number", (1, 2)) == [("vanished", 2), ("appeared", 1)]
    assert watched.behind("Number", (1, 2)) == ([("Wish", (0, 2), True)], True)
    assert watched.behind("Number", (0, 2), 1) == ([("Wish", (0, 2), True)], True)
    assert watched.behind("Number", (1, 6)) == ([("Wish", (0, 2), True)], True)
    assert watched.behind("Number", (4, 50), 1) == ([("Wish", (4, 50), True)], True)
    assert not watched.engine.recompute()


def test_another_reason_comes():
    """A fact that holds and gets another reason is told so, with what brought the reason."""
    watched = Watched(PORTS)
    watched.transact({"Port": ((), [(1, 0)])})
    watched.transact({"Spare": ((), [(1,), (2,)]), "Port": ((), [(5, 5)])})
    assert watched.entries("Up", (1,)) == [("rederived", 2), ("appeared", 1)]
    assert watched.behind("Up", (1,)) == ([("Spare", (1,), True)], True)
    watched.transact({"Spare": ([(1,)], ())})
    assert watched.entries("Up", (1,)) == [("appeared", 1)]
    watched.transact({"Blocked": ((), [(1,)]), "Spare": ((), [(1,)])})
    assert watched.entries("Up", (1,)) == [("rederived", 4), ("appeared", 1)]
    watched.transact({"Blocked": ([(1,)], ())})
    assert watched.entries("Up", (1,))[:2] == [("rederived", 5), ("rederived", 4)]


def test_base_facts_have_a_history():
    """A base fact came with the row that it is part of."""
    watched = Watched(PORTS)
    watched.transact({"Blocked": ((), [(1,), (2,)])})
    watched.transact({"Blocked": ([(1,)], [(2,)])})
    assert watched.entries("Blocked", (1,)) == [("vanished", 2), ("appeared", 1)]
    assert watched.entries("Blocked", (2,)) == [("appeared", 1)]
    assert watched.behind("Blocked", (2,)) == ([("Blocked", (2,), True)], True)


def test_the_ring_is_bounded():
    """Old transactions are dropped by their number and by their facts; what is left is told as it was."""
    watched = Watched(PORTS, transactions=5)
    for i in range(8):
        watched.transact({"Port": ((), [(i, 0)])})
    assert [t.number for t in watched.history.kept] == [4, 5, 6, 7, 8]
    assert watched.history.dropped
    assert watched.entries("Up", (2,)) == []
    assert watched.entries("Up", (3,)) == [("appeared", 4)]
    watched = Watched(PORTS, facts=60)
    for i in range(40):
        watched.transact({"Port": ((), [(i, 0)])})
        assert watched.history.facts <= 60
        assert watched.history.facts == sum(t.size for t in watched.history.kept if t.given is not None)
    assert len(watched.history.kept) == 20


def test_a_load_is_kept_as_numbers():
    """A transaction with more than a tenth of the facts drives nothing out, and only its size is kept."""
    watched = Watched(PORTS, facts=600)
    watched.transact({"Port": ((), [(1, 0), (2, 0)])})
    watched.transact({"Port": ((), [(i, 0) for i in range(10, 1010)])})
    watched.transact({"Blocked": ((), [(1,), (3,)])})
    small, large, last = watched.history.kept
    assert (large.given, large.changes, large.sources[0].delta) == (None, None, {})
    assert large.size == 1000 + 1000 + 97
    assert watched.history.facts == small.size + last.size == 6 + 3
    assert watched.entries("Up", (500,)) == []
    assert watched.entries("Up", (1,)) == [("vanished", 3), ("appeared", 1)]
    assert watched.behind("Up", (1,)) == ([("Blocked", (1,), True)], True)
    # What was before the load can't be looked at again: all that the transaction changed is told, as such.
    assert watched.behind("Up", (1,), 1) == ([("Port", (1, 0), True), ("Port", (2, 0), True)], False)


def test_a_new_engine_ends_what_can_be_taken_back():
    """Nothing is taken back beyond the point where the engine began anew."""
    watched = Watched(PORTS)
    watched.transact({"Port": ((), [(1, 0), (2, 0)])})
    watched.history.record(9.0, (), {}, {}, loaded=True)
    assert watched.behind("Up", (1,)) == ([("Port", (1, 0), True), ("Port", (2, 0), True)], False)
