"""Numbers of one's own: unique, kept, given in turn, recovered from hints; refused when they couldn't be unique."""

import math
import sys

import pytest
from agreement import Sequence
from clauses import atom, clause, program, relation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import changes, transactions
from rule_files import shown
from snapshot import differences, snapshot

from ovn_rules.engine.ir import Allocate
from ovn_rules.engine.runtime import Engine

NAME, HINT, NUMBER = relation("Name", "int"), relation("Hint", "int int"), relation("Number", "int int")


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


# -- scopes ------------------------------------------------------------------------------------------------

PORT, NUMBERED = relation("Port", "str int"), relation("Numbered", "str int int")
STORED, WANTED = relation("Stored", "str int int"), relation("Wanted", "str int int")


def scoped(low, high, *, within=(0,), **options):
    """An engine that numbers the ports of each switch."""
    term = Allocate(low, high, within=within, **options)
    rule = clause("number", ("Numbered", "switch", "port", term), atom("Port", "switch", "port"))
    return Engine(program([NUMBERED, PORT, STORED, WANTED], rule))


def change(engine, gone=(), come=(), **others):
    """The numbers after a transaction, as text: ports go and come, other relations change as given."""
    engine.transact({"Port": (gone, come), **others})
    return " ".join(f"{switch}{port}={n}" for (switch, port), n in sorted(engine.allocations("Numbered").items()))


def ports(text):
    """Ports from a text such as ``a1 a2 b1``."""
    return [(word[0], int(word[1:])) for word in text.split()]


def says(text):
    """Facts that say numbers, from a text such as ``a1=7``."""
    return [(word[0], int(word[1]), int(word.partition("=")[2])) for word in text.split()]


def test_each_scope_has_its_own_numbers():
    """A number is unique among the groups of one scope; what is free, given last and waited for is each scope's own."""
    engine = scoped(1, 3, hints="Stored")
    stored = {"Stored": ((), says("b1=2"))}
    assert change(engine, come=ports("a1 a2 b1 b2"), **stored) == "a1=1 a2=2 b1=2 b2=3"
    assert change(engine, ports("a2"), ports("a3 b4")) == "a1=1 a3=3 b1=2 b2=3 b4=1"
    assert change(engine, (), ports("b5 a4 a5")) == "a1=1 a3=3 a4=2 b1=2 b2=3 b4=1"
    assert [e.groups for e in engine.exhausted()] == [(("a", 5), ("b", 5))]
    assert change(engine, ports("b2")) == "a1=1 a3=3 a4=2 b1=2 b4=1 b5=3"
    assert [e.groups for e in engine.exhausted()] == [(("a", 5),)]
    assert engine.recompute() == {}


def test_a_scope_is_forgotten_with_its_last_group():
    """A scope without groups costs nothing: it begins anew when it comes back, but not within one transaction."""
    engine = scoped(1, 9)
    assert change(engine, come=ports("a1 a2 b1")) == "a1=1 a2=2 b1=1"
    assert change(engine, ports("a1 a2 b1"), ports("b2")) == "b2=2"
    (allocator,) = engine.network.members["Numbered"].allocators
    assert (set(allocator.spaces), set(allocator.last)) == ({"b"}, {"b"})
    assert change(engine, come=ports("a3")) == "a3=1 b2=2"


class Name(str):
    """Text that is seen when somebody looks it up, in C as well."""

    __slots__ = ()

    def __hash__(self):
        return super().__hash__()


def steps(engine, changed):
    """How many lines of Python a transaction runs."""
    lines = 0

    def count(_frame, event, _argument):
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        engine.transact({"Port": changed})
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("after", ["last", "largest", None])
def test_a_change_costs_the_same_in_any_size(after):
    """A port that comes or goes takes as many steps among two as among thousands, but for a search by halving."""
    costs = []
    for scopes, size in ((2, 2), (300, 10), (2, 3_000)):
        engine = scoped(1, 30_000, after=after, wanted="Wanted", hints="Stored")
        engine.transact({"Port": ((), [(Name(f"s{i}"), p) for i in range(scopes) for p in range(size)])})
        engine.transact({"Port": ((), [("s0", 20_000)]), "Stored": ((), [("s0", 20_001, 25_000)])})
        (allocator,) = engine.network.members["Numbered"].allocators
        order = allocator.spaces["s0"].order
        costs.append((steps(engine, ((), [("s0", 20_001)])), steps(engine, ([("s0", 20_000)], ()))))
        assert order is not None
        assert allocator.spaces["s0"].order is order  # nobody sorted anew
    for small, *larger in zip(*costs, strict=True):
        assert max(larger) <= small + 2 * math.log2(6_000)


def test_several_columns_make_a_scope():
    """Scopes may be tuples of columns, on either side of the number."""
    term = Allocate(1, 9, within=(0, 2))
    three, numbered = relation("Three", "int int int"), relation("Out", "int int int int")
    rule = clause("r", ("Out", "x", term, "y", "z"), atom("Three", "x", "y", "z"))
    engine = Engine(program([three, numbered], rule))
    engine.transact({"Three": ((), [(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)])})
    assert engine.allocations("Out") == {(1, 1, 1): 1, (1, 1, 2): 2, (1, 2, 1): 1, (2, 1, 1): 1}


# -- where free numbers are searched ------------------------------------------------------------------------


def test_after_the_largest_in_use():
    """The next number is one more than the largest, whoever has it and why; beyond the end the lowest free one."""
    engine = scoped(1, 9, after="largest", wanted="Wanted")
    assert change(engine, come=ports("a1 a2 a3")) == "a1=1 a2=2 a3=3"
    assert change(engine, ports("a1 a3"), ports("a4")) == "a2=2 a4=3"
    assert change(engine, come=ports("a5 a6"), Wanted=((), says("a5=8"))) == "a2=2 a4=3 a5=8 a6=9"
    assert change(engine, come=ports("a7 a8 b1")) == "a2=2 a4=3 a5=8 a6=9 a7=1 a8=4 b1=1"


def test_the_lowest_that_is_free():
    """A number that was given back is the next one given, however large others are."""
    engine = scoped(1, 9, after=None, wanted="Wanted")
    assert change(engine, come=ports("a1 a2 a3")) == "a1=1 a2=2 a3=3"
    assert change(engine, ports("a1"), ports("a4")) == "a2=2 a3=3 a4=1"
    assert change(engine, come=ports("a5"), Wanted=((), says("a3=7"))) == "a2=2 a3=7 a4=1 a5=3"


# -- numbers that are wanted --------------------------------------------------------------------------------


def test_who_wants_a_number_gets_it():
    """A wanted number is given before hints, and taken from one who has it by chance; that one gets another."""
    engine = scoped(1, 9, hints="Stored", wanted="Wanted")
    said = {"Stored": ((), says("a1=5 a2=6")), "Wanted": ((), says("a3=5"))}
    assert change(engine, come=ports("a1 a2 a3 b1"), **said) == "a1=7 a2=6 a3=5 b1=1"
    assert change(engine, Wanted=((), says("a1=6 b1=5"))) == "a1=6 a2=8 a3=5 b1=5"
    assert engine.recompute() == {}


def test_a_number_that_nobody_wants_any_more_stays():
    """When a wish goes the group keeps its number; when it is another's wish by then, it doesn't."""
    engine = scoped(1, 9, wanted="Wanted")
    change(engine, come=ports("a1 a2"), Wanted=((), says("a1=5")))
    assert change(engine, Wanted=(says("a1=5"), ())) == "a1=5 a2=1"
    assert change(engine, Wanted=((), says("a1=5"))) == "a1=5 a2=1"
    assert change(engine, Wanted=(says("a1=5"), says("a2=5"))) == "a1=2 a2=5"


def test_of_several_who_want_a_number_one_gets_it():
    """It is who has it, then who was there, then who had it before a restart, then the first; the next one follows."""
    engine = scoped(1, 9, hints="Stored", wanted="Wanted")
    wanted = {"Wanted": ((), says("a1=5 a2=5 a3=5 b1=5 b2=5")), "Stored": ((), says("b2=5 b1=8"))}
    assert change(engine, come=ports("a2 a3 b1 b2"), **wanted) == "a2=5 a3=1 b1=8 b2=5"
    assert change(engine, come=ports("a1")) == "a1=2 a2=5 a3=1 b1=8 b2=5"
    assert change(engine, ports("a2"), ports("a0"), Wanted=((), says("a0=5"))) == "a0=3 a1=5 a3=1 b1=8 b2=5"
    assert change(engine, ports("a1 a3"), ports("a4"), Wanted=((), says("a4=5"))) == "a0=5 a4=4 b1=8 b2=5"
    assert engine.recompute() == {}


def test_who_loses_a_number_comes_before_who_is_new():
    """A group that has to give up its number gets the next one, groups that come at the same time those after it."""
    engine = scoped(1, 9, wanted="Wanted")
    change(engine, come=ports("a5 a6"))
    assert change(engine, come=ports("a1 a2"), Wanted=((), says("a1=1"))) == "a1=1 a2=4 a5=3 a6=2"


def test_numbers_that_cannot_be_had_are_no_wish():
    """Numbers out of range aren't wanted; of several the smallest is."""
    engine = scoped(3, 9, wanted="Wanted")
    assert change(engine, come=ports("a1 a2"), Wanted=((), says("a1=2 a1=8 a1=7 a2=10"))) == "a1=7 a2=3"
    assert change(engine, Wanted=(says("a1=7"), ())) == "a1=8 a2=3"


def test_wanted_numbers_change_hands_in_one_transaction():
    """Groups can swap their numbers, and a chain of them can move up."""
    engine = scoped(1, 3, wanted="Wanted")
    change(engine, come=ports("a1 a2 a3"))
    assert change(engine, Wanted=((), says("a1=2 a2=1"))) == "a1=2 a2=1 a3=3"
    assert change(engine, Wanted=(says("a1=2 a2=1"), says("a2=2 a1=3 a3=1"))) == "a1=3 a2=2 a3=1"


def test_a_group_that_waits_takes_the_number_it_wants():
    """When numbers have run out a wish is still followed: who had the number waits instead, and is first in line."""
    engine = scoped(1, 2, wanted="Wanted")
    change(engine, come=ports("a1 a2 a3"))
    assert change(engine, Wanted=((), says("a3=1"))) == "a2=2 a3=1"
    assert [e.groups for e in engine.exhausted()] == [(("a", 1),)]
    assert change(engine, ports("a2")) == "a1=2 a3=1"


def test_suppositions_that_empty_a_relation_and_fill_it():
    """What was given last is known again when all groups went and others came in suppositions within each other."""
    engine = scoped(1, 9, within=())
    assert change(engine, come=ports("a1 a2")) == "a1=1 a2=2"
    with engine.supposing({"Port": ((), ports("a3"))}), engine.supposing({"Port": (ports("a1 a2 a3"), ())}):
        assert change(engine, come=ports("a4")) == "a4=4"
    assert change(engine, ports("a1 a2"), ports("a5")) == "a5=3"


def test_a_wish_that_is_supposed_leaves_no_trace():
    """Numbers that moved in a supposition are back afterwards, and so is what the next group will get."""
    engine = scoped(1, 9, wanted="Wanted")
    assert change(engine, come=ports("a1 a2")) == "a1=1 a2=2"
    before = snapshot(engine)
    with engine.supposing({"Wanted": ((), says("a1=2")), "Port": ((), ports("a3"))}) as changed:
        gone, come = changed["Numbered"]
        assert (set(gone), set(come)) == (set(says("a1=1 a2=2")), set(says("a1=2 a2=3 a3=4")))
    assert differences(before, snapshot(engine)) == []
    assert change(engine, come=ports("a3")) == "a1=1 a2=2 a3=3"


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_sequence_keeps_what_is_promised(data, compared):
    """However ports, hints and wishes change: see ``number_promises``; and what is only supposed leaves no trace."""
    options = {
        "within": data.draw(st.sampled_from(((), (0,), (1,)))),
        "hints": data.draw(st.sampled_from((None, "Stored"))),
        "wanted": "Wanted",
        "after": data.draw(st.sampled_from(("last", "largest", None))),
    }
    sequence = Sequence(scoped(0, data.draw(st.integers(0, 3)), **options).program)
    *steps, supposed, nested = data.draw(transactions(sequence.program, 16))
    for step in steps:
        before = snapshot(sequence.engine)
        with sequence.engine.supposing(changes(supposed, sequence.base)):
            sequence.engine.transact(changes(nested, sequence.base))
        assert differences(before, snapshot(sequence.engine)) == []
        sequence.transact(step)
        compared["transactions of wanted numbers in scopes"] += 1
