"""Mistakes in what rules say, found when a program is loaded, with the exact message shown for each."""

from rule_files import shown


def test_unknown_relation(files):
    """A relation that nothing defines is named, with the closest one that exists."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Lnk(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:20: unknown relation 'Lnk'
            Reach(a, b) <= Lnk(a, b)
                           ^^^
          hint: did you mean 'Link'?
    """)


def test_unknown_relation_without_a_close_one(files):
    """A relation that is close to no other is to be imported."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= ~Zebra(a, b) & Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:21: unknown relation 'Zebra'
            Reach(a, b) <= ~Zebra(a, b) & Link(a, b)
                            ^^^^^
          hint: import it into this module, or declare it as a Relation
    """)


def test_unknown_table(files):
    """A database relation is looked for in its schema."""
    rules = """
        @rule
        def place(name):
            Place(name, 1) <= nb.Swich(name=name)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:23: unknown relation 'nb.Swich'
            Place(name, 1) <= nb.Swich(name=name)
                              ^^^^^^^^
          hint: did you mean 'nb.Switch'?
    """)


def test_unknown_database_relation_by_a_wrong_database(files):
    """A database that nothing defines is an unknown name."""
    rules = """
        @rule
        def place(name):
            Place(name, 1) <= sb.Switch(name=name)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:23: unknown name 'sb'
            Place(name, 1) <= sb.Switch(name=name)
                              ^^
          hint: import it into this module
    """)


def test_unknown_column(files):
    """A column that a relation doesn't have is named, with the closest one."""
    rules = """
        @rule
        def place(name):
            Place(name, 1) <= Level(name=name, step=1)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:40: unknown column 'step' of relation Level
            Place(name, 1) <= Level(name=name, step=1)
                                               ^^^^^^
          hint: did you mean 'steps'?
    """)


def test_unknown_column_of_a_table(files):
    """A column that a table doesn't have is looked for in its schema."""
    rules = """
        @rule
        def place(name):
            Place(name, 1) <= nb.Port(nme=name)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:31: unknown column 'nme' of relation nb.Port
            Place(name, 1) <= nb.Port(nme=name)
                                      ^^^^^^^^
          hint: did you mean 'name'?
    """)


def test_unknown_element_relation(files):
    """A set column that a table doesn't have is an unknown column."""
    rules = """
        @rule
        def place(name):
            Place(name, 1) <= nb.Port.mac(_, name)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:23: unknown column 'mac' of relation nb.Port
            Place(name, 1) <= nb.Port.mac(_, name)
                              ^^^^^^^^^^^
          hint: did you mean 'macs'?
    """)


def test_scalar_column_as_relation(files):
    """A scalar column has no relation of its own."""
    rules = """
        @rule
        def place(name):
            Place(name, 1) <= nb.Port.name(_, name)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:23: column 'name' of nb.Port is a scalar, not a relation of its own
            Place(name, 1) <= nb.Port.name(_, name)
                              ^^^^^^^^^^^^
          hint: write nb.Port(name=…)
    """)


def test_too_many_terms(files):
    """An atom with more terms than the relation has columns is of the wrong arity."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b, 1)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:20: wrong arity: Link has 2 columns, not 3
            Reach(a, b) <= Link(a, b, 1)
                           ^^^^^^^^^^^^^
          hint: its columns are a, b
    """)


def test_too_few_terms_in_a_head(files):
    """A head gives every column."""
    rules = """
        @rule
        def level(name):
            Level(name) <= Place(name, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:5: wrong arity: Level has 2 columns, not 1
            Level(name) <= Place(name, _)
            ^^^^^^^^^^^
          hint: a head needs all of them; steps is missing
    """)


def test_column_given_twice(files):
    """A column is given by position or by name, not both."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b, a=b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:31: column 'a' of Link is given twice
            Reach(a, b) <= Link(a, b, a=b)
                                      ^^^
    """)


def test_starred_terms(files):
    """Terms are written one by one."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(*a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:25: * and ** have no meaning in an atom
            Reach(a, b) <= Link(*a, b)
                                ^^
          hint: write every term, or name the columns
    """)


def test_unbound_variable_in_a_head(files):
    """A head's variable that no literal binds is unbound."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: unbound variable 'b'
            Reach(a, b) <= Link(a, _)
                     ^
          hint: use it in a positive atom of the body, or give it a value with ==
    """)


def test_unbound_variable_in_a_negation(files):
    """A negated atom binds nothing."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, a) <= Place(a, _) & ~Link(a, b) & ~Link(b, a)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:43: unbound variable 'b'
            Reach(a, a) <= Place(a, _) & ~Link(a, b) & ~Link(b, a)
                                                  ^
          hint: a negated atom binds nothing: use it in a positive atom too, or write _ for any value
    """)


def test_unbound_variable_in_a_comparison(files):
    """A comparison binds nothing."""
    rules = """
        @rule
        def place(name, floor):
            Place(name, 1) <= Place(name, _) & (floor > 3)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:41: unbound variable 'floor'
            Place(name, 1) <= Place(name, _) & (floor > 3)
                                                ^^^^^
          hint: a comparison or call binds nothing: use it in a positive atom, or give it a value with ==
    """)


def test_unbound_variable_in_an_expression(files):
    """An expression needs all its variables, and what waits for it is not reported too."""
    rules = """
        @rule
        def reach(a, b, c):
            Reach(a, b) <= Place(a, _) & (b == shout(c))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:46: unbound variable 'c'
            Reach(a, b) <= Place(a, _) & (b == shout(c))
                                                     ^
          hint: an expression needs all its variables: use it in a positive atom, or give it a value with ==
    """)


def test_unbound_variables_in_a_circle(files):
    """Variables that only wait for each other are unbound."""
    rules = """
        @rule
        def reach(a, b, c):
            Reach(a, b) <= Place(a, _) & (b == shout(c)) & (c == shout(b))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:46: unbound variable 'c'
            Reach(a, b) <= Place(a, _) & (b == shout(c)) & (c == shout(b))
                                                     ^
          hint: an expression needs all its variables: use it in a positive atom, or give it a value with ==
        rules.py:6:64: unbound variable 'b'
            Reach(a, b) <= Place(a, _) & (b == shout(c)) & (c == shout(b))
                                                                       ^
          hint: an expression needs all its variables: use it in a positive atom, or give it a value with ==
    """)


def test_singleton_variable(files):
    """A variable used once is a likely typing mistake."""
    rules = """
        @rule
        def reach(a, b, c):
            Reach(a, b) <= Link(a, b) & Place(a, c)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:42: variable 'c' is used once
            Reach(a, b) <= Link(a, b) & Place(a, c)
                                                 ^
          hint: write _ when its value doesn't matter; look for a typing mistake when it does
    """)


def test_anonymous_in_a_head(files):
    """A head has no place for what doesn't matter."""
    rules = """
        @rule
        def reach(a):
            Reach(a, _) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: _ in a head has no value
            Reach(a, _) <= Link(a, _)
                     ^
          hint: give column 'b' a variable or a constant
    """)


def test_undeclared_variable(files):
    """A variable is a parameter."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, c) & Link(c, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:28: unknown name 'c'
            Reach(a, b) <= Link(a, c) & Link(c, b)
                                   ^
          hint: a logic variable is a parameter: def reach(…, c)
    """)


def test_unused_parameter(files):
    """A parameter that no statement uses is reported."""
    rules = """
        @rule
        def reach(a, b, c):
            Reach(a, b) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:5:17: parameter 'c' is never used
            def reach(a, b, c):
                            ^
          hint: leave it out, or start its name with _
    """)


def test_negation_in_a_cycle(files):
    """A relation may not depend on its own absence; the message names the cycle."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & ~Place(a, 1)

        @rule
        def place(a):
            Place(a, 1) <= Reach(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:33: negation inside a cycle: Reach -> ~Place -> Reach
            Reach(a, b) <= Link(a, b) & ~Place(a, 1)
                                        ^^^^^^^^^^^^
          hint: derive what doesn't depend on itself in a relation of its own, and start from that
    """)


def test_aggregate_in_a_cycle(files):
    """A relation may not be counted while it grows from the count."""
    rules = """
        @rule
        def place(a, b, n):
            Place(a, count(b)) <= Reach(a, b)
            Reach(a, a) <= Place(a, n) & (n > 1)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: aggregate inside a cycle: Place -> Reach -> Place
            Place(a, count(b)) <= Reach(a, b)
                     ^^^^^^^^
          hint: derive what doesn't depend on itself in a relation of its own, and start from that
    """)


def test_allocation_in_a_cycle(files):
    """A number may not depend on itself, hints included."""
    rules = """
        @rule
        def place(a):
            Place(a, allocate(1, 9, Place)) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: allocation inside a cycle: Place -> Place
            Place(a, allocate(1, 9, Place)) <= Link(a, _)
                     ^^^^^^^^^^^^^^^^^^^^^
          hint: derive what doesn't depend on itself in a relation of its own, and start from that
    """)


def test_key_in_a_cycle(files):
    """A relation with a key may not depend on itself."""
    rules = """
        @rule
        def level(a, b, n):
            Level(a, 0) <= Place(a, 0)
            Level(b, n + 1) <= Level(a, n) & Link(a, b) & (n < 9)
    """
    assert files.refused(rules) == shown("""
        rules.py:7:5: key of Level inside a cycle: Level -> Level
            Level(b, n + 1) <= Level(a, n) & Link(a, b) & (n < 9)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          hint: derive what doesn't depend on itself in a relation of its own, and start from that
    """)


def test_cross_product(files):
    """Atoms that share no variable are refused."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Place(a, _) & Place(b, _) & (a < b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:34: cross product: Place(b, _) shares no variable with Place(a, _)
            Reach(a, b) <= Place(a, _) & Place(b, _) & (a < b)
                                         ^^^^^^^^^^^
          hint: join them through a variable, or write every(Place(b, _)) when each is to meet each
    """)


def test_cross_product_behind_an_expression(files):
    """A value made from unconnected parts doesn't connect them."""
    rules = """
        @rule
        def reach(a, b, c):
            Reach(c, c) <= Place(a, _) & Place(b, _) & (c == a + b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:34: cross product: Place(b, _) shares no variable with Place(a, _)
            Reach(c, c) <= Place(a, _) & Place(b, _) & (c == a + b)
                                         ^^^^^^^^^^^
          hint: join them through a variable, or write every(Place(b, _)) when each is to meet each
    """)


def test_duplicate_rule_name_in_one_module(files):
    """Two rules of one module may not have one name, although Python keeps only the last."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)

        @rule
        def reach(a, b):
            Reach(a, b) <= Link(b, a)
    """
    assert files.refused(rules) == shown("""
        rules.py:9:5: duplicate rule name 'reach'
            def reach(a, b):
                ^^^^^
          hint: another is in rules.py, line 5: rename one
    """)


def test_unknown_function(files):
    """A function that nothing defines is named, with the closest one."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, shot(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: unknown function 'shot'
            Reach(a, shot(b)) <= Link(a, b)
                     ^^^^
          hint: did you mean 'shout'?
    """)


def test_unmarked_function(files):
    """A function that isn't known to be pure may not be called."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, unmarked(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: impure or unknown function 'unmarked'
            Reach(a, unmarked(b)) <= Link(a, b)
                     ^^^^^^^^
          hint: mark it with @pure when it always gives the same value for the same arguments
    """)


def test_function_of_a_module(files):
    """A library's functions are not known to be pure either."""
    rules = """
        @rule
        def place(a):
            Place(a, time.time_ns()) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: impure or unknown function 'time.time_ns'
            Place(a, time.time_ns()) <= Link(a, _)
                     ^^^^^^^^^^^^
          hint: mark it with @pure when it always gives the same value for the same arguments
    """)


def test_obviously_impure_function(files):
    """A function that uses random numbers is not pure, whatever it is marked as."""
    rules = """
        @rule
        def place(a):
            Place(a, roll(a)) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: impure function 'roll': it uses random
            Place(a, roll(a)) <= Link(a, _)
                     ^^^^
          hint: a rule's value may depend on its arguments only
    """)


def test_impure_function_behind_a_function(files):
    """What a pure function calls in its module has to be pure as well."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, told(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: impure function 'told': it calls _say, which calls print
            Reach(a, told(b)) <= Link(a, b)
                     ^^^^
          hint: a rule's value may depend on its arguments only
    """)


def test_pure_function_without_annotation(files):
    """A pure function says what it returns."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, unsaid(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: pure function 'unsaid' has no return annotation
            Reach(a, unsaid(b)) <= Link(a, b)
                     ^^^^^^
          hint: write def unsaid(…) -> type: the annotation gives the value's type
    """)


def test_unknown_method(files):
    """Methods that might change something may not be called."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b.encode()) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: method 'encode' may not be called in a rule
            Reach(a, b.encode()) <= Link(a, b)
                     ^^^^^^^^
          hint: methods of str, int and tuple may; use a @pure function for others
    """)


def test_attribute_of_a_value(files):
    """Attributes of values are not read."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b.real) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: attribute 'real' of a value can't be read in a rule
            Reach(a, b.real) <= Link(a, b)
                     ^^^^^^
          hint: use a @pure function for it
    """)
