"""Numbers of one's own: unique, kept, given in turn, recovered from hints; refused when they couldn't be unique."""

import pytest
from clauses import atom, clause, program, relation
from rule_files import Files, shown

from ovn_rules.engine.ir import Allocate
from ovn_rules.engine.runtime import Engine

NAME, HINT, NUMBER = relation("Name", "int"), relation("Hint", "int int"), relation("Number", "int int")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to write rules in."""
    return Files(tmp_path, monkeypatch)


def numbering(low, high, *, hints=None):
    """An engine that numbers names."""
    rule = clause("number", ("Number", "x", Allocate(low, high, hints)), atom("Name", "x"))
    return Engine(program([NAME, HINT, NUMBER], rule))


def insert(engine, *names):
    engine.transact({"Name": ((), [(n,) for n in names])})
    return {g: n for (g,), n in engine.allocations("Number").items()}


def delete(engine, *names):
    engine.transact({"Name": ([(n,) for n in names], ())})
    return {g: n for (g,), n in engine.allocations("Number").items()}


def test_numbers_wrap_around():
    """After the highest number the search goes on at the lowest that is free."""
    engine = numbering(5, 7)
    assert insert(engine, 1, 2, 3) == {1: 5, 2: 6, 3: 7}
    delete(engine, 1)
    delete(engine, 2)
    assert insert(engine, 9) == {3: 7, 9: 5}
    assert insert(engine, 8) == {3: 7, 9: 5, 8: 6}


def test_a_number_that_is_free_again_is_not_given_at_once():
    """A number given back is not the next one given: who still has it in mind would mistake the new for the old."""
    engine = numbering(1, 100)
    insert(engine, 1, 2, 3)
    delete(engine, 3)
    assert insert(engine, 4)[4] == 4
    delete(engine, 4)
    assert insert(engine, 4)[4] == 5


def test_a_restart_goes_on_from_the_largest_in_use():
    """With the numbers in use as hints each group keeps its own, and new ones get those after the largest."""
    engine = numbering(1, 100, hints="Hint")
    engine.transact({"Name": ((), [(n,) for n in (1, 2, 3, 4)]), "Hint": ((), [(1, 7), (2, 40), (3, 12)])})
    assert engine.allocations("Number") == {(1,): 7, (2,): 40, (3,): 12, (4,): 41}
    assert insert(engine, 5)[5] == 42


def test_hints_out_of_range_or_taken_are_passed_over():
    """Of hints that can't be followed none is; two groups with one hint don't get one number."""
    engine = numbering(1, 9, hints="Hint")
    engine.transact({"Name": ((), [(1,), (2,), (3,)]), "Hint": ((), [(1, 4), (2, 4), (3, 10)])})
    assert engine.allocations("Number") == {(1,): 4, (2,): 5, (3,): 6}
    engine.transact({"Hint": ([(1, 4)], [(1, 8), (2, 1)])})
    assert engine.allocations("Number") == {(1,): 4, (2,): 5, (3,): 6}


def test_waiting_groups_are_served_in_order():
    """When numbers run out groups wait and are reported; each number that becomes free goes to the next."""
    engine = numbering(1, 2)
    changes = engine.transact({"Name": ((), [(n,) for n in (4, 1, 3, 2)])})
    assert [(e.relation, e.groups) for e in changes.exhausted] == [("Number", ((3,), (4,)))]
    assert engine.exhausted() == changes.exhausted
    assert delete(engine, 3) == {1: 1, 2: 2}
    changes = engine.transact({"Name": ([(1,)], ())})
    assert tuple(map(set, changes["Number"])) == ({(1, 1)}, {(4, 1)})
    assert engine.exhausted() == []
    assert engine.recompute() == {}


def test_clauses_that_agree_share_their_numbers():
    """Two clauses with the same allocate() number one set of groups: a group of both has one number."""
    other = relation("Other", "int")
    engine = Engine(
        program(
            [NAME, other, NUMBER],
            clause("a", ("Number", "x", Allocate(1, 9)), atom("Name", "x")),
            clause("b", ("Number", "x", Allocate(1, 9)), atom("Other", "x")),
        )
    )
    engine.transact({"Name": ((), [(1,), (2,)]), "Other": ((), [(2,), (3,)])})
    assert engine.allocations("Number") == {(1,): 1, (2,): 2, (3,): 3}
    assert dict(engine.transact({"Name": ([(2,)], ())})) == {}
    assert engine.transact({"Other": ([(2,)], ())})["Number"] == ([(2, 2)], [])


def test_clauses_that_disagree_are_refused(files):
    """Clauses that number a relation in two ways are refused, since a number could be given twice."""
    refused = files.refused("""
        @rule
        def one(a):
            Place(a, allocate(1, 9)) <= Link(a, _)

        @rule
        def two(a):
            Place(a, allocate(1, 99)) <= Link(_, a)
    """)
    assert refused == shown("""
        rules.py:10:14: Place is numbered in two ways: rule one has allocate(1, 9) for floor, rule two has allocate(1, 99) for floor
            Place(a, allocate(1, 99)) <= Link(_, a)
                     ^^^^^^^^^^^^^^^
          hint: let each clause of the relation have the same allocate(), or number a relation of its own
    """)  # noqa: E501 - a message stands as it is


def test_numbers_from_elsewhere_are_refused(files):
    """A clause that brings numbers of its own into a numbered relation is refused."""
    refused = files.refused("""
        @rule
        def one(a):
            Place(a, allocate(1, 9)) <= Link(a, _)

        @rule
        def two(a, n):
            Place(a, n) <= Link(a, _) & Level(a, n)
    """)
    assert "rule one has allocate(1, 9) for floor, rule two has no allocate()" in refused


def test_a_hint_of_one_that_waits():
    """Evaluation from scratch leaves a number with who has it, also when another waits for it with a hint."""
    engine = numbering(1, 1, hints="Hint")
    engine.transact({"Name": ((), [(2,)]), "Hint": ((), [(1, 1)])})
    assert insert(engine, 1) == {2: 1}
    assert engine.recompute() == {}
