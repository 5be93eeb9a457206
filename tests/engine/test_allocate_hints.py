"""Numbers that are searched from a hint on: the hint itself, or the next one that is free."""

from clauses import atom, clause, program, relation
from rule_files import Files

from ovn_rules.engine.ir import Allocate
from ovn_rules.engine.runtime import Engine

NAME, HINT, NUMBER = relation("Name", "int"), relation("Hint", "int int"), relation("Number", "int int")


def engine_with(**hints):
    """An engine that numbers names from 1 to 9, near their hints."""
    rule = clause("number", ("Number", "x", Allocate(1, 9, "Hint", after="hint")), atom("Name", "x"))
    engine = Engine(program([NAME, HINT, NUMBER], rule))
    engine.transact({"Hint": ((), [(int(n[1:]), h) for n, h in hints.items()])})
    return engine


def insert(engine, *names):
    engine.transact({"Name": ((), [(n,) for n in names])})
    return {g: n for (g,), n in engine.allocations("Number").items()}


def test_the_hint_or_the_next_free_number():
    """Who comes later to a number that is taken gets the next one, whatever was given last."""
    engine = engine_with(_1=5, _2=5, _3=2, _4=5, _5=6)
    assert insert(engine, 1) == {1: 5}
    assert insert(engine, 3) == {1: 5, 3: 2}
    assert insert(engine, 2)[2] == 6
    assert insert(engine, 4)[4] == 7
    assert insert(engine, 5)[5] == 8


def test_beyond_the_end_and_without_a_hint():
    """After the highest number the search goes on at the lowest, where it begins for those without a hint in range."""
    engine = engine_with(_1=9, _2=9, _4=12)
    assert insert(engine, 1) == {1: 9}
    assert insert(engine, 2)[2] == 1
    assert insert(engine, 3)[3] == 2
    assert insert(engine, 4)[4] == 3


def test_a_failed_transaction_leaves_it_as_it_was():
    """What is taken back gives the same numbers again."""
    engine = engine_with(_1=5, _2=5)
    insert(engine, 1)
    engine.transact({"Name": ([(1,)], [(2,)])})
    assert engine.allocations("Number") == {(2,): 5}


def test_hints_are_needed(tmp_path, monkeypatch):
    """Without a relation of hints there is nothing to search from."""
    refused = Files(tmp_path, monkeypatch).refused("""
        @rule
        def number(a):
            Place(a, allocate(1, 9, after="hint")) <= Link(a, _)
    """)
    assert "allocate() has no hints to search after" in refused
