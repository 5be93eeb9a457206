"""Values of wrong types, found when a program is loaded, with the exact message shown for each."""

from rule_files import shown


def test_wrong_type_of_a_constant(files):
    """A constant is of its column's type."""
    rules = """
        @rule
        def reach(a):
            Reach(a, "cellar") <= Place(a, "one")
    """
    assert files.refused(rules) == shown("""
        rules.py:6:36: wrong type: 'one' is str, column 'floor' of Place is int
            Reach(a, "cellar") <= Place(a, "one")
                                           ^^^^^
    """)


def test_wrong_type_of_a_variable(files):
    """A variable is of one type wherever it stands."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & Place(_, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:42: wrong type: 'b' is str, column 'floor' of Place is int
            Reach(a, b) <= Link(a, b) & Place(_, b)
                                                 ^
          hint: convert it with int() if that is meant
    """)


def test_wrong_type_in_a_head(files):
    """A head's terms are of its columns' types."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, f"{b}") <= Place(a, b)
            Reach(a, b + 1) <= Place(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:7:14: wrong type: b + 1 is int, column 'b' of Reach is str
            Reach(a, b + 1) <= Place(a, b)
                     ^^^^^
          hint: convert it with str() if that is meant
    """)


def test_true_is_no_number(files):
    """True is no number, although Python says so."""
    rules = """
        @rule
        def place(name):
            Place(name, True) <= Link(name, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:17: wrong type: True is bool, column 'floor' of Place is int
            Place(name, True) <= Link(name, _)
                        ^^^^
    """)


def test_wrong_type_of_a_uuid(files):
    """A UUID is not text."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= nb.Port(_uuid=a, name=b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:11: wrong type: 'a' is uuid, column 'a' of Reach is str
            Reach(a, b) <= nb.Port(_uuid=a, name=b)
                  ^
          hint: convert it with str() if that is meant
    """)


def test_wrong_type_in_a_comparison(files):
    """Values of different types are not compared."""
    rules = """
        @rule
        def place(name, floor):
            Place(name, floor) <= Place(name, floor) & (floor > "3")
    """
    assert files.refused(rules) == shown("""
        rules.py:6:49: wrong type: int > str
            Place(name, floor) <= Place(name, floor) & (floor > "3")
                                                        ^^^^^^^^^^^
          hint: values of different types are never equal and have no order
    """)


def test_wrong_type_of_an_operation(files):
    """Operands that Python can't combine are of the wrong type."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, a + b) <= Place(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: wrong type: str + int
            Reach(a, a + b) <= Place(a, b)
                     ^^^^^
          hint: write an f-string, or str() around the number
    """)


def test_wrong_type_of_an_argument(files):
    """A function's arguments are of its annotations' types."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, shout(b)) <= Place(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: wrong type: int for parameter 'text' of shout(), which is str
            Reach(a, shout(b)) <= Place(a, b)
                     ^^^^^^^^
    """)


def test_wrong_number_of_arguments(files):
    """A function's arguments are as many as it takes."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, shout(a, b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: wrong arity: shout(): too many positional arguments
            Reach(a, shout(a, b)) <= Link(a, b)
                     ^^^^^^^^^^^
    """)


def test_wrong_type_of_a_list(files):
    """A list can't be stored in a fact."""
    rules = """
        @rule
        def tags(name, a):
            Tags(name, sorted(a)) <= Tags(name, a)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:16: wrong type: a list or set can't be the value of a column
            Tags(name, sorted(a)) <= Tags(name, a)
                       ^^^^^^^^^
          hint: put tuple(…) around it
    """)


def test_wrong_type_bound(files):
    """A variable that == binds is of the expression's type."""
    rules = """
        @rule
        def place(name, floor):
            Place(name, floor) <= Link(name, _) & (floor == shout(name))
    """
    assert files.refused(rules) == shown("""
        rules.py:6:17: wrong type: 'floor' is str, column 'floor' of Place is int
            Place(name, floor) <= Link(name, _) & (floor == shout(name))
                        ^^^^^
          hint: convert it with int() if that is meant
    """)


def test_wrong_size_of_a_pattern(files):
    """A pattern has as many variables as the elements have parts."""
    rules = """
        @rule
        def reach(a, b, c, o):
            Reach(a, f"{b}{c}") <= nb.Port(name=a, options=o) & ((a, b, c) in o)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:58: wrong type: a pattern of 3 for elements of type tuple[str, str]
            Reach(a, f"{b}{c}") <= nb.Port(name=a, options=o) & ((a, b, c) in o)
                                                                 ^^^^^^^^^^^^^^
    """)


def test_pattern_for_scalars(files):
    """A pattern takes tuples apart, nothing else."""
    rules = """
        @rule
        def reach(a, b, tags):
            Reach(a, b) <= Tags(_, tags) & ((a, b) in tags)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:37: wrong type: a pattern of 2 for elements of type str
            Reach(a, b) <= Tags(_, tags) & ((a, b) in tags)
                                            ^^^^^^^^^^^^^^
    """)


def test_in_a_number(files):
    """Only what has elements stands after in."""
    rules = """
        @rule
        def reach(a, floor, n):
            Place(a, floor) <= Place(a, n) & (floor in n)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:39: wrong type: n is int, which has no elements
            Place(a, floor) <= Place(a, n) & (floor in n)
                                              ^^^^^^^^^^
    """)


def test_sum_of_text(files):
    """Text can't be summed."""
    rules = """
        @rule
        def place(a, b):
            Reach(a, sum(b)) <= Link(a, b)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: wrong type: sum() of str
            Reach(a, sum(b)) <= Link(a, b)
                     ^^^^^^
          hint: numbers can be summed
    """)


def test_constant_that_fails(files):
    """A constant that can't be computed is refused when the program is loaded."""
    rules = """
        @rule
        def place(a):
            Place(a, TABLES["up"]) <= Link(a, _)
    """
    assert files.refused(rules) == shown("""
        rules.py:6:14: this constant fails: KeyError: 'up'
            Place(a, TABLES["up"]) <= Link(a, _)
                     ^^^^^^^^^^^^
    """)


def test_record_of_another_size(files):
    """A record has as many parts as its column's type."""
    rules = """
        @rule
        def pair(a, b):
            Pair((a, b, a)) <= Link(a, b)

        class Pair(Relation):
            both: tuple[str, str]
    """
    assert files.refused(rules) == shown("""
        rules.py:6:10: wrong type: (a, b, a) is tuple[str, str, str], column 'both' of Pair is tuple[str, str]
            Pair((a, b, a)) <= Link(a, b)
                 ^^^^^^^^^
    """)
