"""What names in rules stand for: modules, closures, and when it is settled."""

import sys

import pytest
from rule_files import HEADER, import_file

from ovn_rules.engine import Relation, column, load, pure, rule


class Number(Relation):
    """A number."""

    n: int = column("the number")


class Double(Relation):
    """A number twice."""

    n: int = column("the number")


def times(factor):
    """A rule made by a function."""

    @pure
    def multiplied(n: int) -> int:
        return n * factor

    @rule
    def multiplied_number(n):
        Double(multiplied(n) + factor) <= Number(n)

    return multiplied_number


def test_rules_of_a_function_keep_its_variables():
    """A rule made inside a function uses that call's variables and functions."""
    two, three = (load(times(n)).clauses[0].terms[0].names for n in (2, 3))
    assert (two["factor"], two["multiplied"](5)) == (2, 10)
    assert (three["factor"], three["multiplied"](5)) == (3, 15)


def test_later_rebinding_changes_no_rule(files):
    """A rule means what its names meant when it was decorated."""
    module = files.module("""
        FLOOR = 1

        @rule
        def place(a):
            Place(a, FLOOR) <= Link(a, _)

        FLOOR = 2
    """)
    module.FLOOR = 3
    assert load(module).clauses[0].terms[1].value == 1


def test_names_defined_later_are_found(files):
    """A rule may use what its module defines below it."""
    program = files.load("""
        @rule
        def place(a):
            Reach(a, later(a)) <= Late(a)

        class Late(Relation):
            \"\"\"Declared after its use.\"\"\"
            name: str = column("")

        @pure
        def later(text: str) -> str:
            return text
    """)
    assert program.clauses[0].body[0].relation == "Late"


def test_imported_rules_stay_with_their_module(files):
    """A module's rules are those that it defines, not those that it imports."""
    first = files.module("@rule\ndef reach(a, b):\n    Reach(a, b) <= Link(a, b)\n", "first.py")
    sys.modules["first"] = first
    second = files.module("from first import reach\n", "second.py")
    assert load(second).clauses == ()


def test_packages_are_their_modules(files):
    """A package stands for the rules of all modules in it."""
    folder = files.folder / "floors"
    (folder / "upper").mkdir(parents=True)
    rules = HEADER + "@rule\ndef {0}(a):\n    Place(a, 1) <= Link(a, _)\n"
    (folder / "__init__.py").write_text(rules.format("top"))
    (folder / "ground.py").write_text(rules.format("ground"))
    (folder / "upper" / "__init__.py").write_text("")
    (folder / "upper" / "attic.py").write_text(rules.format("attic"))
    sys.path.insert(0, str(files.folder))
    try:
        package = import_file(folder / "__init__.py", "floors")
        package.__path__ = [str(folder)]
        names = {c.rule for c in load(package).clauses}
    finally:
        sys.path.remove(str(files.folder))
        for name in [m for m in sys.modules if m.partition(".")[0] == "floors"]:
            del sys.modules[name]
    assert names == {"top", "ground", "attic"}


def test_words_of_the_language_may_be_renamed(files):
    """The language's words are known by what they are, not by what they are called."""
    program = files.load("""
        from ovn_rules.engine import collect as all_of, every as each

        @rule
        def tags(a, b):
            Tags(a, all_of(b)) <= Place(a, _) & each(Place(b, _))
    """)
    (clause,) = program.clauses
    assert clause.terms[1].function == "collect"
    assert clause.body[1].every


def test_builtins_hidden_by_a_module_s_own(files):
    """A function of the module hides the builtin of its name, aggregates too."""
    program = files.load("""
        @pure
        def max(text: str) -> str:
            return text

        @rule
        def reach(a, b):
            Reach(a, max(b)) <= Link(a, b)
    """)
    assert program.clauses[0].terms[1].names.keys() == {"max"}


def test_library_functions_can_be_marked(files):
    """pure(f) lets rules call a library's function, with or without annotations."""
    program = files.load("""
        import json
        import textwrap

        quoted = pure(json.encoder.encode_basestring)
        pure(textwrap.dedent)

        @rule
        def reach(a, b):
            Reach(quoted(a), textwrap.dedent(b)) <= Link(a, b)
    """)
    first, second = program.clauses[0].terms
    assert first.names["quoted"]('a"b') == '"a\\"b"'
    assert second.names["textwrap_dedent"]("  x") == "x"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return open(text).read()", "calls open"),
        ("return text + str(time.time())", "uses time"),
        ("import os; return os.getcwd()", "imports os"),
        ("global COUNT; COUNT = 1; return text", "changes global COUNT"),
        ("return [input(t) for t in text][0]", "calls input"),
        ("return text + str(pick(text))", "uses pick of module random"),
        ("return text + str(id(text))", "calls id"),
    ],
)
def test_obviously_impure_functions(files, body, why):
    """Functions that look at or change the world are refused although they are marked pure."""
    refused = files.refused(f"""
        import time
        from random import choice as pick

        @pure
        def function(text: str) -> str:
            {body}

        @rule
        def reach(a, b):
            Reach(a, function(b)) <= Link(a, b)
    """)
    assert f"impure function 'function': it {why}" in refused


def test_counting_inside_a_pure_function_is_pure(files):
    """A pure function may change what it made itself."""
    program = files.load("""
        @pure
        def numbered(text: str) -> str:
            n = 0
            def step():
                nonlocal n
                n += 1
                return n
            return "".join(f"{c}{step()}" for c in text)

        @rule
        def reach(a, b):
            Reach(a, numbered(b)) <= Link(a, b)
    """)
    assert program.clauses[0].terms[1].names["numbered"]("ab") == "a1b2"


def test_annotations_of_a_file_that_postpones_them(files):
    """Annotations that are only text give types as well."""
    program = files.load("""
        @pure
        def parts(text: "str") -> "tuple[str, ...]":
            return tuple(text)

        @rule
        def tags(a):
            Tags(a, parts(a)) <= Link(a, _)
    """)
    assert str(program.clauses[0].terms[1].type) == "tuple[str, ...]"


def test_annotated_parameters_of_a_file_that_postpones_annotations(files):
    """A parameter's annotation is its type, also as text."""
    refused = files.refused("""
        @rule
        def place(a: "str", n: "str") -> None:
            Place(a, n) <= Link(a, _) & (n == TABLES[a])
    """)
    assert "'n' is str, column 'floor' of Place is int" in refused
