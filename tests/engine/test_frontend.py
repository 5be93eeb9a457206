"""What rules become once they are read."""

import ast
import sys

import pytest

from ovn_rules.engine.ir import (
    ANY,
    BOOL,
    INT,
    STR,
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Const,
    Expr,
    Filter,
    Member,
    Type,
    Var,
    Wild,
)

STRS = Type("tuple", (STR,))


def clause(files, statement, parameters="a, b, c, n, o"):
    """The clause that one statement becomes; parameters that it doesn't name are left out."""
    names = {n.id for n in ast.walk(ast.parse(statement)) if isinstance(n, ast.Name)}
    used = [p for p in parameters.split(", ") if p in names]
    (only,) = files.load(f"@rule\ndef only({', '.join(used)}):\n    {statement}\n").clauses
    return only


def body(files, literals, head="Reach('x', 'y')"):
    """The body that literals become."""
    return clause(files, f"{head} <= ({literals})").body


def expression(source, type_, *variables):
    """An expression, which is the same as another of the same source, variables and type."""
    return Expr(None, source, variables, {}, type_)


def test_terms_by_position_and_by_name(files):
    """Terms go to columns by position or by name, and a column that isn't named doesn't matter."""
    assert body(files, "Place(_, 3) & Place(floor=4) & Place('x', floor=5) & Place()") == (
        Atom("Place", (Wild(), Const(3))),
        Atom("Place", (Wild(), Const(4))),
        Atom("Place", (Const("x"), Const(5))),
        Atom("Place", (Wild(), Wild())),
    )


def test_clause_knows_its_rule(files):
    """A clause has its rule's name, docstring, module and place; the statements of a rule are counted."""
    program = files.load('''
        @rule
        def reach(a, b, c):
            """What is linked
            can be reached."""
            Reach(a, b) <= Link(a, b)
            Reach(a, c) <= Reach(a, b) & Link(b, c)
    ''')
    first, second = program.clauses
    assert (first.name, second.name) == ("reach", "reach#2")
    assert (second.rule, second.index, second.relation) == ("reach", 1, "Reach")
    assert first.doc == "What is linked\ncan be reached."
    assert first.module.startswith("rules_")
    assert (second.location.line, second.location.text.strip()) == (
        9,
        "Reach(a, c) <= Reach(a, b) & Link(b, c)",
    )
    assert second.body[1].location.column == 33


def test_fact(files):
    """A head alone is a fact; constants of the module and of Python are computed when it is read."""
    fact = clause(files, 'Place(f"{shout(\'x\')}-{PRIORITY}", TABLES["out"] << 1)')
    assert (fact.terms, fact.body) == ((Const("X-50"), Const(64)), ())


def test_whole_number_for_a_float_column(files):
    """A whole number in a float column is a float, since 1 and 1.0 are different facts."""
    (weight,) = clause(files, "Weight('x', 1)").terms[1:]
    assert type(weight.value) is float


def test_negation_and_every(files):
    """~ negates an atom or a call; every() marks an atom that may share no variable."""
    literals = body(files, "Link(a, b) & ~Place(a, _) & every(Place(c, n)) & ~is_high(n) & (b < c)")
    assert literals[1] == Atom("Place", (Var("a"), Wild()), negated=True)
    assert literals[2] == Atom("Place", (Var("c"), Var("n")), every=True)
    assert literals[3] == Filter(expression("~is_high(n)", BOOL, "n"))


def test_negated_call_is_python_s_not(files):
    """~ before a call is ``not``: Python's own ~ of True is -2, which is true."""
    literal = body(files, "Place(_, n) & ~is_high(n)")[1]
    assert [evaluated(literal.expr, n=n) for n in (3, 4)] == [True, False]


def evaluated(expr, **variables):
    """An expression's value for some values of its variables."""
    code = compile(ast.fix_missing_locations(ast.Expression(expr.tree)), "<test>", "eval")
    return eval(code, {**expr.names, **variables})  # noqa: S307 - the tests' own expressions


def test_comparisons_filter(files):
    """Comparisons and calls are filters, chains too."""
    assert body(files, "Place(a, n) & (0 < n <= 5) & (a != 'x') & is_high(n) & a.startswith('y')")[1:] == (
        Filter(expression("0 < n <= 5", BOOL, "n")),
        Filter(expression("a != 'x'", BOOL, "a")),
        Filter(expression("is_high(n)", BOOL, "n")),
        Filter(expression("a.startswith('y')", BOOL, "a")),
    )


def test_equality_binds(files):
    """== gives a variable its value, on whichever side it stands."""
    assert body(files, "Link(a, b) & (c == a + b) & (shout(c) == o) & Reach(c, o)")[1:3] == (
        Bind("c", expression("a + b", STR, "a", "b")),
        Bind("o", expression("shout(c)", STR, "c")),
    )


def test_equality_of_variables_is_turned_round(files):
    """Of two variables, the one that no atom binds gets its value from the other."""
    for literal in ("(a == c)", "(c == a)"):
        assert body(files, f"Place(a, _) & {literal} & (c != 'x')")[1] == Bind("c", expression("a", STR, "a"))


def test_equality_of_expressions_filters(files):
    """== between expressions, or of a variable with an expression over itself, only compares."""
    literals = body(files, "Link(a, b) & (shout(a) == shout(b)) & (a == a.upper())")
    assert literals[1:] == (
        Filter(expression("shout(a) == shout(b)", BOOL, "a", "b")),
        Filter(expression("a == a.upper()", BOOL, "a")),
    )


def test_member(files):
    """``in`` goes through elements, and takes them apart; ``not in`` and ``in`` of a value compare."""
    literals = body(
        files,
        "Tags(a, o) & (b in o) & ((c, _) in [(b, 1)]) & (_ in words(a)) & ('x' not in o) & (shout(c) in o)"
        " & (n in (1, 2)) & Place(a, n)",
    )
    assert literals[1:7] == (
        Member(("b",), unpack=False, expr=expression("o", STRS, "o")),
        Member(("c", None), unpack=True, expr=expression("[(b, 1)]", ANY, "b")),
        Member((None,), unpack=False, expr=expression("words(a)", STRS, "a")),
        Filter(expression("'x' not in o", BOOL, "o")),
        Filter(expression("shout(c) in o", BOOL, "c", "o")),
        Member(("n",), unpack=False, expr=expression("(1, 2)", Type("tuple", (INT, INT)))),
    )


def test_constant_inside_a_pattern(files):
    """A constant in a pattern is compared with that part of the element."""
    literals = body(files, "nb.Port(options=o) & (('key', a) in o) & Place(a, _)")
    assert literals[1:3] == (
        Bind("_term1", expression("'key'", STR)),
        Member(
            ("_term1", "a"),
            unpack=True,
            expr=expression("o", Type("tuple", (Type("tuple", (STR, STR)),)), "o"),
        ),
    )


def test_expression_as_a_term_of_an_atom(files):
    """An expression in an atom is a variable of its own that == binds."""
    assert body(files, "Link(a, shout(a)) & ~Link(a, a + 'x')") == (
        Bind("_term1", expression("shout(a)", STR, "a")),
        Atom("Link", (Var("a"), Var("_term1"))),
        Bind("_term2", expression("a + 'x'", STR, "a")),
        Atom("Link", (Var("a"), Var("_term2")), negated=True),
    )


def test_made_variables_avoid_the_rule_s_own(files):
    """A made variable doesn't take a parameter's name."""
    program = files.load("""
        @rule
        def reach(_term1):
            Reach(_term1, _term1) <= Link(_term1, shout(_term1))
    """)
    assert program.clauses[0].body[0].variable == "_term2"


def test_anonymous_variables(files):
    """A variable that starts with _ and is used once doesn't matter; used twice it does."""
    program = files.load("""
        @rule
        def reach(a, _b):
            Reach(a, a) <= Link(a, _b)
            Reach(a, a) <= Link(a, _b) & ~Link(_b, a)
            Reach(a, a) <= Place(a, 1) & ~Link(a, _b)
            Reach(a, a) <= Place(a, 1) & ((a, _b) in [(a, 2)])
    """)
    first, second, third, fourth = (c.body for c in program.clauses)
    assert first == (Atom("Link", (Var("a"), Wild())),)
    assert second[1].terms == (Var("_b"), Var("a"))
    assert third[1].terms == (Var("a"), Wild())
    assert fourth[1].variables == ("a", None)


@pytest.mark.parametrize(
    ("head", "function", "value", "wrap"),
    [
        ("Tags(a, collect(b))", "collect", expression("b", STR, "b"), None),
        ("Place(a, count((b, a)))", "count", expression("(b, a)", Type("tuple", (STR, STR)), "b", "a"), None),
        ("Place(a, max(len(b)))", "max", expression("len(b)", INT, "b"), None),
        ("Place(a, sum(len(b)) + 1)", "sum", expression("len(b)", INT, "b"), INT),
        ("Reach(a, ' '.join(collect(b)))", "collect", expression("b", STR, "b"), STR),
    ],
)
def test_aggregates(files, head, function, value, wrap):
    """An aggregate is over a value; what is around it is an expression over the result."""
    aggregate = clause(files, f"{head} <= Link(a, b)").terms[1]
    around = head.partition(", ")[2][:-1]
    assert aggregate == Aggregate(function, value, expression(around, wrap, "_aggregate") if wrap else None)


def test_wrap_is_evaluated_on_the_result(files):
    """The expression around an aggregate refers to its result by one name."""
    aggregate = clause(files, "Reach(a, ' '.join(collect(b))) <= Link(a, b)").terms[1]
    assert evaluated(aggregate.wrap, _aggregate=("x", "y")) == "x y"


def test_min_of_several_values_is_no_aggregate(files):
    """Minimum and maximum of several values, or of a generator, are Python's own."""
    terms = clause(files, "Place(min(a, b), max(len(x) for x in (a, b))) <= Link(a, b)").terms
    assert all(isinstance(t, Expr) for t in terms)


def test_allocate(files):
    """allocate() has constant bounds and perhaps hints of the group's shape."""
    assert clause(files, "Place(a, allocate(1, 2**16 - 1)) <= Link(a, _)").terms[1] == Allocate(1, 65535)
    program = files.load("""
        class Hint(Relation):
            \"\"\"Earlier numbers.\"\"\"
            place: str = column("")
            number: int = column("")

        @rule
        def place(a):
            Place(a, allocate(low=1, high=9, hints=Hint)) <= Link(a, _)
    """)
    assert program.clauses[0].terms[1] == Allocate(1, 9, "Hint")
    assert "Hint" in program.relations


NUMBERED = """
    class Port(Relation):
        \"\"\"Numbered ports.\"\"\"
        switch: str = column("")
        number: int = column("")
        port: str = column("")

    class Said(Relation):
        \"\"\"Numbers.\"\"\"
        switch: str = column("")
        port: str = column("")
        number: int = column("")

    @rule
    def port(a, b):
        Port(a, {}, b) <= Link(a, b)
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("allocate(1, 9, within=a)", Allocate(1, 9, within=(0,))),
        ("allocate(1, 9, within=(b,))", Allocate(1, 9, within=(2,))),
        ("allocate(1, 9, Said, wanted=Said)", Allocate(1, 9, "Said", wanted="Said")),
        ("allocate(1, 9, wanted=Said, after='largest')", Allocate(1, 9, wanted="Said", after="largest")),
        ("allocate(1, 9, after=None)", Allocate(1, 9, after=None)),
    ],
)
def test_allocate_in_scopes(files, call, expected):
    """Scopes are columns of the head, wanted numbers a relation."""
    assert files.load(NUMBERED.format(call)).clauses[0].terms[1] == expected


def test_relations_of_numbers_have_all_their_columns(files):
    """A table that says wanted numbers is read whole, though no rule names its columns."""
    program = files.load("""
        wishes = Database("wishes", {"name": "W", "version": "1.0.0", "tables": {"Wish": {"columns": {
            "number": {"type": "integer"}}}}})

        class Numbered(Relation):
            \"\"\"A row's number.\"\"\"
            row: Uuid = column("")
            number: int = column("")

        @rule
        def number(row):
            Numbered(row, allocate(1, 9, wanted=wishes.Wish)) <= Owner(row, _)
    """)
    assert [c.name for c in program.relations["wishes.Wish"].columns] == ["_uuid", "number"]


def test_types_of_expressions(files):
    """Expressions have the types that operators, annotations and builtins give."""
    types = {
        'f"{n}"': STR, "shout(a)": STR, "a[1:]": STR, "a.split()[0]": STR, "words(a)[0]": STR, "max(o)": STR,
        "a if n else 'x'": STR, "a % n": STR, "a * 2": STR, "a.partition('-')[2]": STR, "str(n) + a": STR,
        "n + 1": INT, "len(a)": INT, "(a, n)[1]": INT, "min(n, 2)": INT, "-n": INT, "PRIORITY + n": INT,
        "sum(len(x) for x in o)": INT, "n & 1": INT, "divmod(n, 2)[1]": INT, "round(n / 2)": INT,
        "n / 2": Type("float"), "n * 1.5": Type("float"),
        "n > 1": BOOL, "not n": BOOL, "(n > 1) | (n < 0)": BOOL, "a.isdigit()": BOOL, "a in o": BOOL,
        "words(a)": STRS, "tuple(sorted(o))": STRS, "tuple(x.upper() for x in o)": STRS, "o + (a,)": STRS,
        "tuple(k for k, _ in zip(o, o))": STRS, "o[1:]": STRS,
        "(a, n)": Type("tuple", (STR, INT)),
        "tuple(enumerate(o))": Type("tuple", (Type("tuple", (INT, STR)),)),
        "a if n else n": ANY, "TABLES[a]": ANY, "{a: n}[a]": ANY, "n ** 2": ANY,
    }  # fmt: skip
    for source, wanted in types.items():
        literals = body(
            files, f"Place(a, n) & Tags(a, o) & (b in o) & (c == ({source})) & (b != a) & (c == c) & (n >= 0)"
        )
        assert (source, literals[3].expr.type) == (source, wanted)


def test_annotated_parameters_are_types(files):
    """A parameter's annotation is its type."""
    refused = files.refused("""
        @rule
        def place(a: str, n: str):
            Place(a, n) <= Link(a, _) & (n == TABLES[a])
    """)
    assert "'n' is str, column 'floor' of Place is int" in refused


def test_names_of_an_expression(files):
    """An expression carries the functions and constants it uses, dotted ones under a plain name."""
    (files.folder / "texts.py").write_text("SEPARATOR = '-'\n")
    sys.modules.pop("texts", None)
    sys.path.insert(0, str(files.folder))
    try:
        program = files.load("""
            import texts

            texts_SEPARATOR = "of our own"

            @rule
            def reach(a, b):
                Reach(a, texts.SEPARATOR.join((a, shout(b), texts_SEPARATOR))) <= Link(a, b)
        """)
    finally:
        sys.path.remove(str(files.folder))
        sys.modules.pop("texts", None)
    expr = program.clauses[0].terms[1]
    assert expr.source == "texts.SEPARATOR.join((a, shout(b), texts_SEPARATOR))"
    assert evaluated(expr, a="x", b="y") == "x-Y-of our own"


def test_comprehension_variables_hide_the_module_s_names(files):
    """A comprehension's variable and a constant of the same name stay apart."""
    program = files.load("""
        word = "of the module"

        @rule
        def tags(a, b):
            Tags(a, tuple(word for word in b) + (word,)) <= Tags2(a, b)

        class Tags2(Relation):
            \"\"\"Given tags.\"\"\"
            a: str
            b: tuple[str, ...]
    """)
    assert evaluated(program.clauses[0].terms[1], a="x", b=("y",)) == ("y", "of the module")


def test_reading_twice_gives_the_same(files):
    """A module can be loaded any number of times: reading leaves its syntax as it was."""
    from ovn_rules.engine import load

    module = files.module("""
        import math

        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b) & ~is_high(len(a)) & (world.shout(a) == b)

        import world
    """)
    assert load(module) == load(module)


def test_atoms_of_constants_are_no_cross_product(files):
    """Atoms without variables, or whose variables equal constants, only say whether to go on."""
    assert len(body(files, "Place('x', 1) & Place(a, n) & (a == 'y') & (n == 2) & Link(b, c) & (b < c)")) == 6


def test_a_variable_that_equals_a_constant_still_connects(files):
    """Saying what a shared variable is makes no cross product of a join."""
    assert len(body(files, "Link(a, b) & Link(a, c) & (a == 'x') & (b != c)")) == 4


def test_atoms_connected_through_values_are_no_cross_product(files):
    """A value computed from one atom joins another."""
    assert len(body(files, "Tags(a, o) & (b in o) & (c == shout(b)) & Place(c, n) & is_high(n) & (a != c)")) == 6


def test_a_relation_s_definition(files):
    """A relation's columns have types and documentation; a module's relations are in its program."""
    program = files.load(
        "class Thing(Relation):\n    'A thing.'\n    size: int\n    parts: tuple[str, int] = column('two')\n"
    )
    thing = program.relations["Thing"]
    assert [(c.name, str(c.type), c.doc) for c in thing.columns] == [
        ("size", "int", ""),
        ("parts", "tuple[str, int]", "two"),
    ]
    assert program.derived == frozenset()
