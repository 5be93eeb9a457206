"""A daemon's engine goes on when a rule fails: what it fails on is set aside, said once, and tried again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.cli.plane import Plane
from ovn_rules.cli.setaside import SetAside, merge
from ovn_rules.engine import Engine, Relation, _, allocate, column, load, pure, rule
from ovn_rules.engine.history import Source


class Place(Relation):
    """A base fact."""

    name: str = column("the place")
    size: int = column("how large")


class Closed(Relation):
    """A base fact."""

    name: str = column("the place")


class Open(Relation):
    """A derived fact."""

    name: str = column("the place")
    size: int = column("how large")


class Share(Relation):
    """What fails for a size of 0."""

    name: str = column("the place")
    part: int = column("of a hundred")


class Number(Relation):
    """A number for each place."""

    name: str = column("the place")
    number: int = column("1 or 2")


@pure
def part(size: int) -> int:
    """What fails for 0."""
    return 100 // size


@rule
def opened(name, size):
    """What isn't closed is open."""
    Open(name, size) <= Place(name, size) & ~Closed(name)


@rule
def share(name, size):
    """Fails on derived facts."""
    Share(name, part(size)) <= Open(name, size)


@rule
def direct(name, size):
    """Fails on base facts."""
    Share(name, part(size)) <= Place(name, size) & ~Closed(name)


@rule
def number(name):
    """There are two."""
    Number(name, allocate(1, 2)) <= Place(name, _)


class Lines:
    """A log that keeps what it is told."""

    def __init__(self):
        """Starts empty."""
        self.lines = []

    def say(self, level, text):
        """Keep a line."""
        self.lines.append(f"{level} {text}")


@pytest.fixture(params=["derived facts", "base facts"])
def plane(request):
    """A plane whose rule fails on facts of this kind."""
    rules = (opened, share) if request.param == "derived facts" else (opened, direct)
    return Plane(load(*rules), (), (), Lines())


def commit(plane, change):
    """Give a plane changes."""
    return plane.commit(Source("nb", 0.0, change))


def places(names, size=1):
    return {"Place": ((), [(n, size) for n in names])}


def test_everything_else_goes_on(plane):
    """Facts that a rule fails on are named in the log and set aside; the others of the same change are taken."""
    change = places("abcdefg")
    change["Place"][1].insert(3, ("bad", 0))
    changes = commit(plane, change)
    assert sorted(changes["Share"][1]) == [(n, 100) for n in "abcdefg"]
    (line,) = plane.log.lines
    assert line.startswith("err rule ")
    assert "ZeroDivisionError" in line
    assert "set aside until these rows change: Place(bad, 0)" in line
    assert plane.aside.lines() == ["set aside: Place(bad, 0)"]
    commit(plane, places("h"))
    assert ("h", 100) in plane.engine.facts("Share")
    assert len(plane.log.lines) == 1


def test_a_row_that_changes_is_tried_again(plane):
    """When a row that was set aside is corrected or goes, nothing of it is left."""
    commit(plane, {"Place": ((), [("bad", 0), ("worse", 0), ("a", 1)])})
    commit(plane, {"Place": ([("bad", 0)], [("bad", 4)])})
    assert set(plane.engine.facts("Share")) == {("a", 100), ("bad", 25)}
    assert plane.aside.lines() == ["set aside: Place(worse, 0)"]
    commit(plane, {"Place": ([("worse", 0)], ())})
    assert plane.aside.lines() == []
    assert plane.engine.recompute() == {}


def test_a_deletion_may_be_what_fails(plane):
    """A fact whose deletion makes a rule fail stays until that is no longer so, and everything else goes on."""
    commit(plane, {"Place": ((), [("bad", 0), ("a", 1)]), "Closed": ((), [("bad",)])})
    assert plane.log.lines == []
    changes = commit(plane, {"Closed": ([("bad",)], ()), **places("b")})
    assert ("b", 100) in changes["Share"][1]
    assert plane.aside.lines() == ["set aside: Closed(bad)"]
    commit(plane, {"Place": ([("bad", 0)], [("bad", 2)])})
    assert ("bad", 50) in plane.engine.facts("Share")
    assert plane.aside.lines() == []


@given(
    st.lists(
        st.lists(st.tuples(st.booleans(), st.sampled_from("abcde"), st.integers(0, 2)), min_size=1, max_size=6),
        max_size=8,
    )
)
@settings(deadline=None, max_examples=60)
def test_only_what_fails_is_missing(history):
    """After any changes the engine holds every row but those that a rule fails on."""
    engine, aside = Engine(load(opened, share)), SetAside(Lines())
    held = set()
    for change in history:
        given_facts = {"Place": ([], [])}
        for come, name, size in change:
            given_facts["Place"][come].append((name, size))
        gone, come = map(set, given_facts["Place"])
        held = held - gone | come
        aside.transact(engine, given_facts)
        assert set(engine.facts("Place")) == {(n, s) for n, s in held if s}
        assert set(aside.inserted) == {("Place", (n, s)) for n, s in held if not s}
        assert not aside.deleted


def test_what_runs_out_is_said_once():
    """Groups that wait for a number are named in the log when they start to wait, and not again."""
    plane = Plane(load(number), (), (), Lines())
    commit(plane, places("abc"))
    commit(plane, places("d"))
    commit(plane, {"Place": ((), [("a", 2)])})
    assert plane.log.lines == [
        "warn Number: all numbers exhausted: c must wait until one is free",
        "warn Number: all numbers exhausted: d must wait until one is free",
    ]


def test_merged_changes_are_as_one():
    """Changes in a row are one change: what came and went in between is only deleted."""
    assert merge([{"R": ([(1,)], [(2,)])}, {"R": ([(2,)], [(3,)]), "S": ((), [(4,)])}]) == {
        "R": ({(1,): None, (2,): None}, {(3,): None}),
        "S": ({}, {(4,): None}),
    }
