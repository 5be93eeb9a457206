"""What Python can say and a rule can't, refused with the exact message shown for each."""

from rule_files import shown


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
