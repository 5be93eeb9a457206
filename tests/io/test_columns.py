"""Differences of column values, as servers send them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.engine.ovsschema import UNLIMITED, BaseType, ColumnSchema
from ovn_rules.io.columns import apply_difference, decoder, difference, encoder, normaliser

STRING, INTEGER = BaseType("string"), BaseType("integer")
SETS = st.sets(st.integers(0, 60), max_size=60)


@settings(deadline=None, max_examples=300)
@given(SETS | st.integers(0, 60).map(lambda n: set(range(n))), SETS | st.sets(st.integers(0, 60), max_size=3))
def test_set_differences(old, difference):
    """A difference puts in the elements that are missing and takes out those that are there, small or large."""
    column = ColumnSchema("c", INTEGER, None, 0, UNLIMITED)
    found = apply_difference(column, tuple(sorted(old)), tuple(sorted(difference)))
    assert found == tuple(sorted(old ^ difference))


@settings(deadline=None)
@given(*[st.dictionaries(st.text(max_size=1), st.integers(0, 2))] * 2)
def test_map_differences(old, new):
    """The pairs that went, came or changed turn the old map into the new one."""
    column = ColumnSchema("c", STRING, INTEGER, 0, UNLIMITED)
    gone = {k: v for k, v in old.items() if k not in new}
    difference = gone | {k: v for k, v in new.items() if old.get(k) != v}
    assert apply_difference(column, tuple(sorted(old.items())), tuple(sorted(difference.items()))) == tuple(
        sorted(new.items())
    )


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 12), max_size=12), st.lists(st.integers(0, 12), max_size=12))
def test_what_lies_between_two_sets(old, new):
    """What goes and comes makes one set of the other, and no more than that; elements out of order are refused."""
    column = ColumnSchema("c", INTEGER, None, 0, UNLIMITED)
    was = tuple(sorted(set(old)))
    for elements in (tuple(new), tuple(sorted(set(new)))):
        found = difference(column, was, elements)
        if elements == tuple(sorted(set(elements))):
            gone, come = found
            assert (set(gone), set(come)) == (set(was) - set(elements), set(elements) - set(was))
            assert len(gone) + len(come) == len(set(was) ^ set(elements))
        else:
            assert found is None


@settings(deadline=None, max_examples=300)
@given(*[st.dictionaries(st.text("abc", max_size=2), st.integers(0, 1))] * 2)
def test_what_lies_between_two_maps(old, new):
    """The keys that go, and the pairs that come after that, make one map of the other."""
    column = ColumnSchema("c", STRING, INTEGER, 0, UNLIMITED)
    gone, come = difference(column, tuple(sorted(old.items())), tuple(sorted(new.items())))
    assert {**{k: v for k, v in old.items() if k not in gone}, **dict(come)} == new
    assert set(gone) <= set(old)
    assert set(come) == new.items() - old.items()


@settings(deadline=None)
@given(st.sets(st.text(max_size=2)))
def test_values_survive_the_way_there_and_back(elements):
    """What a fact holds, in any order, encoded and decoded again is the same value in its one form."""
    column = ColumnSchema("c", STRING, None, 0, UNLIMITED)
    value = normaliser(column)(tuple(elements))
    assert decoder(column)(encoder(column)(value)) == value == tuple(sorted(elements))
