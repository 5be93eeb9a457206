"""Transactions: the exact change of every output, and no work for what didn't change."""

import pytest
from clauses import _, atom, clause, no, program, relation

from ovn_rules.engine import inspection
from ovn_rules.engine.runtime import Engine

NODE, EDGE, OUT = relation("Node", "int"), relation("Edge", "int int"), relation("Out", "int")
ROW, BY_NAME = relation("Row", "int str int", key=(0,)), relation("ByName", "str")

PROGRAM = program(
    [NODE, EDGE, OUT, ROW, BY_NAME],
    clause("out", ("Out", "x"), atom("Edge", "x", _), no("Node", "x")),
    clause("by_name", ("ByName", "n"), atom("Row", _, "n", _)),
)


def calls(engine):
    return {r.name: r.calls for r in inspection.rules(engine)}


@pytest.fixture
def engine():
    """An engine with a few facts."""
    made = Engine(PROGRAM)
    made.transact({"Edge": ((), [(1, 2), (1, 3), (2, 1)]), "Node": ((), [(2,)]), "Row": ((), [(1, "a", 5)])})
    return made


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Edge": ((), ())},
        {"Edge": ((), [(1, 2)])},
        {"Edge": ([(9, 9)], ())},
        {"Edge": ([(1, 2)], [(1, 2)])},
        {"Edge": ([(1, 2), (1, 2)], [(1, 2), (1, 2)])},
        {"Row": ([(1, "a", 5)], [(1, "a", 5)])},
        {"Row": ([(1, "zzz", 5)], ())},
    ],
)
def test_what_changes_nothing_does_nothing(engine, changes):
    """Inserting what is there, deleting what isn't, or both of one fact changes nothing and wakes no rule."""
    before = calls(engine)
    assert dict(engine.transact(changes)) == {}
    assert calls(engine) == before


def test_a_fact_inserted_and_deleted_at_once_is_there(engine):
    """A fact that a transaction both deletes and inserts is there afterwards, whether it was before or not."""
    changes = engine.transact({"Edge": ([(7, 7)], [(7, 7)])})
    assert dict(changes) == {"Out": ([], [(7,)])}


def test_only_visible_changes_are_reported(engine):
    """A fact that keeps another derivation isn't reported; one that loses the last one is."""
    assert dict(engine.transact({"Edge": ([(1, 2)], ())})) == {}
    assert dict(engine.transact({"Edge": ([(1, 3)], ())})) == {"Out": ([(1,)], [])}
    changes = engine.transact({"Node": ([(2,)], [(5,)]), "Edge": ((), [(5, 5)])})
    assert {n: tuple(map(list, c)) for n, c in changes.items()} == {"Out": ([], [(2,)])}
    assert changes["ByName"] == ((), ())


def test_facts_may_be_given_by_any_iterable(engine):
    """Generators and sets of facts are read once and taken whole."""
    engine.transact({"Edge": ({(1, 2), (1, 3)}, (e for e in [(8, 1), (8, 2)]))})
    assert set(engine.facts("Edge")) == {(2, 1), (8, 1), (8, 2)}
    assert engine.count("Out", (8,)) == 2


def test_columns_that_are_not_named_wake_nothing(engine):
    """A change of a row in columns that a rule doesn't name doesn't run it."""
    before = calls(engine)
    assert dict(engine.transact({"Row": ([(1, "a", 5)], [(1, "a", 6)])})) == {}
    assert calls(engine) == before
    engine.transact({"Row": ([(1, "a", 6)], [(1, "b", 6)])})
    assert calls(engine)["by_name"] > before["by_name"]


def test_conflicts_come_and_go(engine):
    """Facts that share a key are reported with the one that is kept; when one goes the other is seen, silently."""
    changes = engine.transact({"Row": ((), [(1, "b", 0), (1, "0", 9)])})
    (conflict,) = changes.conflicts
    assert (conflict.key, conflict.kept, conflict.rejected) == ((1,), (1, "0", 9), ((1, "a", 5), (1, "b", 0)))
    assert tuple(map(list, changes["ByName"])) == ([("a",)], [("0",)])
    changes = engine.transact({"Row": ([(1, "0", 9), (1, "b", 0)], ())})
    assert (changes.conflicts, engine.conflicts()) == ([], [])
    assert tuple(map(list, changes["ByName"])) == ([("0",)], [("a",)])
