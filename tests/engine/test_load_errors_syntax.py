"""What Python can say and a rule can't, refused with the exact message shown for each."""

import pytest
from rule_files import Files, shown


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to write rules in."""
    return Files(tmp_path, monkeypatch)


def test_and_between_literals(files):
    """'and' would drop the literals before it."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= (Link(a, b) and Place(a, 1))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:21: 'and' between literals
            Reach(a, b) <= (Link(a, b) and Place(a, 1))
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^
          hint: join literals with &, each comparison in parentheses
    """)


def test_and_after_a_body(files):
    """'and' outside the parentheses is the same mistake."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) and Place(a, 1)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: 'and' between literals
            Reach(a, b) <= Link(a, b) and Place(a, 1)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          hint: join literals with &, each comparison in parentheses
    """)


def test_or_between_literals(files):
    """'or' is a second statement."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= (Link(a, b) or Link(b, a))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:21: 'or' between literals
            Reach(a, b) <= (Link(a, b) or Link(b, a))
                            ^^^^^^^^^^^^^^^^^^^^^^^^
          hint: write a statement for each case
    """)


def test_bar_between_literals(files):
    """'|' is a second statement, too."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= (Link(a, b) | Link(b, a))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:21: '|' between literals
            Reach(a, b) <= (Link(a, b) | Link(b, a))
                            ^^^^^^^^^^^^^^^^^^^^^^^
          hint: write a statement for each case
    """)


def test_not_before_a_literal(files):
    """'not' is ~."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & (not Place(a, 1))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:34: 'not' before a literal
            Reach(a, b) <= Link(a, b) & (not Place(a, 1))
                                         ^^^^^^^^^^^^^^^
          hint: write ~Place(a, 1)
    """)


def test_missing_parentheses(files):
    """A comparison without parentheses swallows the literals before it."""
    rules = """
        @rule
        def place(a, n):
            Place(a, n) <= Place(a, n) & n > 3
    """
    assert files.refused(rules) == shown("""
        rules.py:6:34: missing parentheses: & binds tighter than >
            Place(a, n) <= Place(a, n) & n > 3
                                         ^^^^^
          hint: write (n > 3)
    """)


def test_missing_parentheses_in_the_middle(files):
    """... in the middle of a body in parentheses ..."""
    rules = """
        @rule
        def place(a, n, b):
            Place(a, n) <= (
                Place(a, n)
                & b == shout(a)
                & Link(b, a)
            )
    """
    assert files.refused(rules) == shown("""
        rules.py:8:11: missing parentheses: & binds tighter than ==
            & b == shout(a)
              ^^^^^^^^^^^^^
          hint: write (b == shout(a))
    """)


def test_missing_parentheses_around_in(files):
    """... and with in."""
    rules = """
        @rule
        def place(a, b):
            Reach(a, b) <= Place(a, _) & b in words(a)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:34: missing parentheses: & binds tighter than in
            Reach(a, b) <= Place(a, _) & b in words(a)
                                         ^^^^^^^^^^^^^
          hint: write (b in words(a))
    """)


def test_parameter_hides_relation(files):
    """A parameter may not have a relation's name."""
    rules = """
        @rule
        def reach(a, Link):
            Reach(a, Link) <= Place(a, _) & Place(Link, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:5:14: parameter 'Link' hides relation Link
            def reach(a, Link):
                         ^^^^
          hint: rename the parameter
    """)


def test_parameter_as_function(files):
    """A parameter is no function."""
    rules = """
        @rule
        def reach(a, shout):
            Reach(a, shout(a)) <= Link(a, shout)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: parameter 'shout' is used as a function or relation
            Reach(a, shout(a)) <= Link(a, shout)
                     ^^^^^
          hint: parameters are logic variables: rename it
    """)


def test_relation_as_value(files):
    """A relation is no value."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, f"{Link}") <= Link(a, b) & Link(b, a)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:17: relation Link stands where a value is expected
            Reach(a, f"{Link}") <= Link(a, b) & Link(b, a)
                        ^^^^
          hint: an atom is a literal of its own, joined with &
    """)


def test_lambda_in_a_rule(files):
    """A lambda can't be shown in a derivation."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, (lambda x: x)(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:15: a lambda has no name to show in a derivation
            Reach(a, (lambda x: x)(b)) <= Link(a, b)
                      ^^^^^^^^^^^
          hint: define a function with @pure
    """)


def test_assignment(files):
    """A rule assigns nothing."""
    rules = """
        @rule
        def reach(a, b):
            c = a
            Reach(a, b) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: an assignment has no meaning in a rule
            c = a
            ^^^^^
          hint: a rule holds statements of the form Head(…) <= (…)
    """)


def test_other_statement(files):
    """A rule holds clauses only."""
    rules = """
        @rule
        def reach(a, b):
            if a:
                Reach(a, b) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: this statement has no meaning in a rule
            if a:
            ^^^^^
          hint: a rule holds statements of the form Head(…) <= (…)
    """)


def test_walrus(files):
    """An assignment expression binds nothing."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & (c := a)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:34: an assignment expression (:=) has no meaning in a rule
            Reach(a, b) <= Link(a, b) & (c := a)
                                         ^^^^^^
          hint: write (x == expression) as a literal of its own
    """)


def test_await_in_a_rule(files):
    """A rule awaits nothing."""
    rules = """
        @rule
        async def reach(a, b):
            Reach(a, await b) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:5:1: rule reach is an async function
            async def reach(a, b):
            ^^^^^^^^^^^^^^^^^^^^^^
          hint: write def
    """)


def test_starred_parameters(files):
    """Parameters are named one by one."""
    rules = """
        @rule
        def reach(a, *others):
            Reach(a, a) <= Link(a, others)
    """
    assert files.refused(rules) == shown("""
        rules.py:5:15: * and ** have no meaning in a rule
            def reach(a, *others):
                          ^^^^^^
          hint: name every logic variable
    """)


def test_default_value(files):
    """A logic variable has no default value."""
    rules = """
        @rule
        def reach(a, b="x"):
            Reach(a, b) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:5:16: a logic variable has no default value
            def reach(a, b="x"):
                           ^^^
          hint: write (variable == value) as a literal
    """)


def test_wrong_arrow(files):
    """Head and body stand on their sides of <=."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) < Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: '<' between head and body
            Reach(a, b) < Link(a, b)
            ^^^^^^^^^^^^^^^^^^^^^^^^
          hint: write Head(…) <= (…)
    """)


def test_no_clause(files):
    """An expression that derives nothing is refused."""
    rules = """
        @rule
        def reach(a, b):
            Link(a, b) & Reach(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: this is not a clause
            Link(a, b) & Reach(a, b)
            ^^^^^^^^^^^^^^^^^^^^^^^^
          hint: a rule holds statements of the form Head(…) <= (…)
    """)


def test_constant_as_literal(files):
    """A constant is no literal."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & True
    """
    assert files.refused(rules) == shown("""
        rules.py:6:33: this is not a literal
            Reach(a, b) <= Link(a, b) & True
                                        ^^^^
          hint: literals are atoms, comparisons and calls of pure functions
    """)


def test_empty_rule(files):
    """A rule derives something."""
    rules = '''
        @rule
        def reach():
            """Nothing."""
    '''
    assert files.refused(rules) == shown("""
        rules.py:5:1: rule reach derives nothing
            def reach():
            ^^^^^^^^^^^^
          hint: write Head(…) <= (…)
    """)


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


def test_every_around_a_comparison(files):
    """every() goes around an atom."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & every(a != b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:33: every() goes around one atom
            Reach(a, b) <= Link(a, b) & every(a != b)
                                        ^^^^^^^^^^^^^
          hint: write every(R(…))
    """)


def test_comprehension_variable_hides_parameter(files):
    """A comprehension's variable is not a logic variable."""
    rules = """
        @rule
        def tags(a, b):
            Tags(a, tuple(a for a in b)) <= Tags(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:25: 'a' is a logic variable, and can't be the variable of a comprehension as well
            Tags(a, tuple(a for a in b)) <= Tags(a, b)
                                ^
          hint: rename one of them
    """)
