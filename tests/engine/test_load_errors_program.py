"""Mistakes that concern a program as a whole, and relations that can't be declared."""

import types

import pytest
from rule_files import shown

from ovn_rules.engine import LoadError, Program, Relation, Uuid, load, rule


def test_duplicate_rule_name(files):
    """Rules of two modules may not have one name, since derivations are shown by it."""
    rules = """
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)
    """
    first, second = files.module(rules, "first.py"), files.module(rules, "second.py")
    with pytest.raises(LoadError) as caught:
        load(first, second)
    assert str(caught.value) == shown("""
        second.py:5:5: duplicate rule name 'reach'
            def reach(a, b):
                ^^^^^
          hint: another is in first.py, line 5: rename one
    """)


def test_one_rule_given_twice_is_one_rule(files):
    """A rule given with its module and by itself counts once."""
    module = files.module("""
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)
    """)
    assert len(load(module, module.reach, module).clauses) == 1


def test_all_problems_are_shown_together(files):
    """Every mistake of every rule is shown at once, in the order of the lines."""
    refused = files.refused("""
        @rule
        def first(a, b, c):
            Reach(a, b) <= Link(a, d)
            Reach(a, b) <= Link(a, c)

        @rule
        def second(a):
            Place(a, "x") <= Link(a, _) & missing(a)
            Place(a, "x") <= Link(a, _)
    """)
    assert [line for line in refused.splitlines() if line.startswith("rules.py")] == [
        "rules.py:6:28: unknown name 'd'",
        "rules.py:7:14: unbound variable 'b'",
        "rules.py:7:28: variable 'c' is used once",
        "rules.py:11:35: unknown function 'missing'",
        "rules.py:12:14: wrong type: 'x' is str, column 'floor' of Place is int",
    ]


def test_problems_are_data(files):
    """Tools read a problem's message, place, hint and rule."""
    module = files.module("""
        @rule
        def reach(a, b):
            Reach(a, b) <= Lnk(a, b)
    """)
    with pytest.raises(LoadError) as caught:
        load(module)
    (problem,) = caught.value.problems
    assert (problem.message, problem.hint, problem.rule) == (
        "unknown relation 'Lnk'",
        "did you mean 'Link'?",
        "reach",
    )
    assert (problem.location.line, problem.location.column, problem.location.end_column) == (6, 19, 22)


def test_carets_count_characters(files):
    """A caret stands below its place after characters of several bytes and tabs."""
    assert files.refused("""
        @rule
        def reach(a):
        \tReach(a,\t"größer→") <= Lnk(a, "größer→")
    """) == shown("""
        rules.py:6:25: unknown relation 'Lnk'
            Reach(a,\t"größer→") <= Lnk(a, "größer→")
                    \t              ^^^
          hint: did you mean 'Link'?
    """)


def test_no_source():
    """A rule that was typed into an interpreter has no source to read."""
    names = {"__name__": "typed", "rule": rule}
    exec(compile("@rule\ndef reach(a):\n    Reach(a)", "<stdin>", "exec"), names)  # noqa: S102 - as an interpreter does
    with pytest.raises(LoadError) as caught:
        load(names["reach"])
    assert str(caught.value) == shown("""
        no source for rule reach (<stdin>, line 1)
          hint: rules are read from their source: define them in a file
    """)


def test_changed_source(files):
    """A file that was changed after its import is not read as if it were the old one."""
    module = files.module("""
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)
    """)
    (files.folder / "rules.py").write_text("# nothing\n")
    with pytest.raises(LoadError, match=r"the source of rule reach .* has changed"):
        load(module)


def test_source_that_cannot_be_parsed_any_more(files):
    """A file that is being edited gives the same message as one that was changed."""
    module = files.module("""
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)
    """)
    (files.folder / "rules.py").write_text("def (\n")
    with pytest.raises(LoadError, match=r"the source of rule reach .* has changed"):
        load(module)


def test_two_relations_of_one_name(files):
    """A relation's name stands for one relation in a program."""
    other = files.module('class Link(Relation):\n    """Another."""\n    x: int = column("")\n', "other.py")
    module = files.module("""
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)
    """)
    with pytest.raises(LoadError, match="two different relations are named Link"):
        load(other.Link, module)


def test_column_without_a_type_for_facts(files):
    """A column of a type that no fact has is refused where the relation is declared."""
    with pytest.raises(LoadError) as caught:
        files.module('class Colours(Relation):\n    """Doc."""\n    names: list[str] = column("")\n')
    assert str(caught.value) == shown("""
        rules.py:4:1: column 'names' of relation Colours has no type that facts can have: list[str]
            class Colours(Relation):
            ^^^^^^^^^^^^^^^^^^^^^^^^
          hint: types are str, int, float, bool, Uuid, tuple[T, ...] and tuple[A, B]
    """)


def test_key_of_an_unknown_column(files):
    """A key names columns of its relation."""
    with pytest.raises(LoadError) as caught:
        files.module('class Colour(Relation, key=("nme",)):\n    """Doc."""\n    name: str = column("")\n')
    assert str(caught.value) == shown("""
        rules.py:4:1: key of relation Colour names unknown column 'nme'
            class Colour(Relation, key=("nme",)):
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          hint: did you mean 'name'?
    """)


def test_unknown_extra_column(files):
    """Extra columns exist."""
    refused = files.refused("", extra_columns={"nb.Port": ["nme"], "nb.Prt": ["name"]})
    assert refused == shown("""
        extra columns of unknown relation 'nb.Prt'
          hint: did you mean 'nb.Port'?
        unknown extra column 'nme' of relation nb.Port
          hint: did you mean 'name'?
    """)


def test_what_is_no_part_of_a_program():
    """Anything but a module, rule, relation or database is refused by type."""
    with pytest.raises(TypeError, match=r"load\(\) takes modules, rules, relations and databases, not 3"):
        load(3)


def test_rule_on_something_else():
    """@rule goes on functions."""
    with pytest.raises(TypeError, match="@rule goes on a function"):
        rule(3)


def test_running_a_rule_says_that_rules_are_read(files):
    """Calling a rule, or a function that should have been one, says what to do."""
    module = files.module("""
        @rule
        def reach(a, b):
            Reach(a, b) <= Link(a, b)

        def forgotten(a, b):
            Reach(a, b) <= Link(a, b)
    """)
    for function in (module.reach, module.forgotten):
        with pytest.raises(TypeError, match="rules are read, not run: put @rule on the function"):
            function("x", "y")


def test_empty_program():
    """A program of nothing has no relations."""
    assert load(types.ModuleType("empty")) == Program({}, ())


def test_declared_by_a_class_statement_alone():
    """A relation has its class's docstring, and a name and key when the class statement says so."""

    class Thing(Relation, key="name", name="a.Thing"):
        """A thing."""

        name: str
        row: Uuid

    definition = Thing.__relation__
    assert (definition.name, definition.key, definition.doc) == ("a.Thing", (0,), "A thing.")
