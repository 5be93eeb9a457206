"""Differences of column values, as servers send them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.engine.ovsschema import UNLIMITED, BaseType, ColumnSchema
from ovn_rules.io.columns import apply_difference, decoder, encoder, normaliser

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


@settings(deadline=None)
@given(st.sets(st.text(max_size=2)))
def test_values_survive_the_way_there_and_back(elements):
    """What a fact holds, in any order, encoded and decoded again is the same value in its one form."""
    column = ColumnSchema("c", STRING, None, 0, UNLIMITED)
    value = normaliser(column)(tuple(elements))
    assert decoder(column)(encoder(column)(value)) == value == tuple(sorted(elements))
