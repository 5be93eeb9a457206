"""Heads that no rule may have: other relations, aggregates, allocations; with the exact message shown for each."""

import pytest
from rule_files import shown


def test_head_that_is_no_relation(files):
    """A head is a relation."""
    rules = """
        @rule
        def reach(a, b):
            shout(a) <= Link(a, b) & Link(b, a)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: 'shout' is not a relation
            shout(a) <= Link(a, b) & Link(b, a)
            ^^^^^
          hint: a head is a relation that the rule derives
    """)


def test_head_read_from_a_database(files):
    """What is read from a database is not derived."""
    rules = """
        @rule
        def port(a, b):
            nb.Switch(a, b) <= Owner(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: nb.Switch is read from a database, and can't be derived
            nb.Switch(a, b) <= Owner(a, b)
            ^^^^^^^^^
          hint: derive a Relation of your own
    """)


def test_aggregate_in_a_body(files):
    """Aggregates stand in heads."""
    rules = """
        @rule
        def place(a, b, n):
            Place(a, n) <= Link(a, b) & (n == count(b))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:39: count stands in heads only
            Place(a, n) <= Link(a, b) & (n == count(b))
                                              ^^^^^
          hint: derive a relation with it, and use that relation here
    """)


def test_two_aggregates(files):
    """A head has one aggregate."""
    rules = """
        @rule
        def place(a, b):
            Place(min(a), count(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:19: two aggregates in one head
            Place(min(a), count(b)) <= Link(a, b)
                          ^^^^^^^^
          hint: derive a relation with each, and join them
    """)


def test_aggregate_and_allocation(files):
    """A head has an aggregate or an allocation."""
    rules = """
        @rule
        def place(a):
            Place(min(a), allocate(1, 9)) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:19: two aggregates or allocations in one head
            Place(min(a), allocate(1, 9)) <= Link(a, _)
                          ^^^^^^^^^^^^^^
          hint: derive a relation with each, and join them
    """)


def test_aggregated_variable_in_the_group(files):
    """The aggregated variable is not in the group."""
    rules = """
        @rule
        def place(a):
            Place(a, count(a)) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: aggregated variable 'a' is also in the group
            Place(a, count(a)) <= Link(a, _)
                     ^^^^^^^^
          hint: the group is every other term of the head: leave the variable out of them
    """)


def test_variable_beside_an_aggregate(files):
    """An expression around an aggregate is over its result alone."""
    rules = """
        @rule
        def place(a, b):
            Reach(a, f"{a}: {count(b)}") <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: variable 'a' beside an aggregate
            Reach(a, f"{a}: {count(b)}") <= Link(a, b)
                     ^^^^^^^^^^^^^^^^^^
          hint: derive a relation with the aggregate, and use its column in another rule
    """)


def test_allocation_without_numbers(files):
    """The lowest number comes first."""
    rules = """
        @rule
        def place(a):
            Place(a, allocate(9, 1)) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: allocate(9, 1) has no number to give
            Place(a, allocate(9, 1)) <= Link(a, _)
                     ^^^^^^^^^^^^^^
          hint: the lowest number comes first
    """)


def test_hints_of_another_shape(files):
    """The hints of an allocation have its group's columns and the number."""
    rules = """
        @rule
        def place(a):
            Place(a, allocate(1, 9, Link)) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: hints Link has the columns (a: str, b: str)
            Place(a, allocate(1, 9, Link)) <= Link(a, _)
                     ^^^^^^^^^^^^^^^^^^^^
          hint: they are the group's, followed by the number: (name: str, int)
    """)


NUMBERED = """
    class Port(Relation):
        \"\"\"Numbered ports.\"\"\"
        switch: str = column("")
        number: int = column("")
        port: str = column("")

    @rule
    def port(switch, port, other):
        Port(switch, {}, port) <= Link(switch, port) & Link(port, other) & (other != switch)
"""


@pytest.mark.parametrize(
    ("call", "place", "message", "hint"),
    [
        (
            "allocate(1, 9, within=switsh)",
            "switsh",
            "'switsh' of within is no variable of the head",
            "did you mean 'switch'?",
        ),
        (
            "allocate(1, 9, within=(switch, other))",
            "other",
            "'other' of within is no variable of the head",
            "variables of the head are switch and port",
        ),
        (
            "allocate(1, 9, within='switch')",
            "'switch'",
            "within of allocate() is a variable of the head, or a tuple of some",
            "variables of the head are switch and port",
        ),
        (
            "allocate(1, 9, within=())",
            "()",
            "within of allocate() names no variable",
            "variables of the head are switch and port",
        ),
        (
            "allocate(1, 9, within=(port, switch))",
            "(port, switch)",
            "within of allocate() is the whole group, so every number would be the lowest",
            "leave some of it out",
        ),
        (
            "allocate(1, 9, wanted=Link)",
            "allocate(1, 9, wanted=Link)",
            "wanted numbers Link has the columns (a: str, b: str)",
            "they are the group's, followed by the number: (switch: str, port: str, int)",
        ),
        (
            "allocate(1, 9, wanted=Port)",
            "allocate(1, 9, wanted=Port)",
            "wanted numbers Port has the columns (switch: str, number: int, port: str)",
            "they are the group's, followed by the number: (switch: str, port: str, int)",
        ),
        ("allocate(1, 9, wanted=PRIORITY)", "PRIORITY", "the wanted numbers of allocate() are a relation", None),
        ("allocate(1, 9, Link, switch)", "allocate(1, 9, Link, switch)", "allocate() takes a lowest and a", None),
        ("allocate(1, 9, among=switch)", "among=switch", "allocate() takes low, high, hints, within, wanted and", None),
        ("allocate(1, 9, after='first')", "'first'", "after of allocate() is 'last', 'largest',", None),
    ],
)
def test_scopes_and_wanted_numbers(files, call, place, message, hint):
    """A scope is made of variables of the head, wanted numbers have the shape of hints."""
    refused = files.refused(NUMBERED.format(call))
    line = f"Port(switch, {call}, port) <= Link(switch, port) & Link(port, other) & (other != switch)"
    said, shown_line, caret, *rest = refused.splitlines()
    start = line.index(place, line.index(call))
    assert (shown_line.strip(), caret.strip()) == (line, "^" * len(place))
    assert caret.index("^") - shown_line.index(line) == start
    assert f": {message}" in said
    assert rest[:1] == ([f"  hint: {hint}"] if hint else []), refused


def test_wanted_numbers_in_a_cycle(files):
    """What is wanted may not depend on the numbers given."""
    refused = files.refused("""
        class Wish(Relation):
            \"\"\"Numbers.\"\"\"
            name: str = column("")
            floor: int = column("")

        @rule
        def place(a):
            Place(a, allocate(1, 9, wanted=Wish)) <= Link(a, _)

        @rule
        def wish(a, n):
            Wish(a, n + 1) <= Place(a, n)
    """)
    assert "allocation inside a cycle: Place -> Wish -> Place" in refused
