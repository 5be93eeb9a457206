"""What a line of a session says: a verb, options at either end, a file, and the rest exactly as typed."""

import pytest

from ovn_rules.cli.repl.lines import FORMAT, Line, goes_on, joined, parse
from ovn_rules.cli.verbs.verb import Option
from ovn_rules.engine.errors import QuestionError

OPTIONS = (
    FORMAT,
    Option("depth", "number", 20, "levels"),
    Option("all", "flag", False, "everything"),
    Option("chassis", "text", None, "where"),
)


def find_options(verb):
    """The options of the only verb."""
    if verb != "why":
        raise LookupError("did you mean 'why'?")
    return OPTIONS


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("why", Line("why", "")),
        ("  why   Port()  ", Line("why", "Port()")),
        ("why --depth 3 --all Port()", Line("why", "Port()", {"depth": 3, "all": True})),
        ("why Port() --all --depth=3", Line("why", "Port()", {"depth": 3, "all": True})),
        ("why --depth 3 Port() --all", Line("why", "Port()", {"depth": 3, "all": True})),
        ("why --chassis 'host 1' x", Line("why", "x", {"chassis": "host 1"})),
        ('why x --chassis "host 1"', Line("why", "x", {"chassis": "host 1"})),
        ("why --format json x", Line("why", "x", form="json")),
        ("why x --format html > out.html", Line("why", "x", form="html", file="out.html")),
        ("why x > /tmp/out", Line("why", "x", file="/tmp/out")),  # noqa: S108 - no such file is made
        ("why x >~/out", Line("why", "x", file="~/out")),
        # what nbctl, comparisons and flows have in common with options and files stays
        ("why lport-add a b -- --if-exists lport-del c", Line("why", "lport-add a b -- --if-exists lport-del c")),
        ("why -- --may-exist lswitch-add a", Line("why", "--may-exist lswitch-add a")),
        ("why R(x) & x > 5", Line("why", "R(x) & x > 5")),
        ("why R(x) & x > y", Line("why", "R(x) & x > y")),
        ("why R(x) & x > 5 > f.txt", Line("why", "R(x) & x > 5", file="f.txt")),
        ("why move:NXM_OF_IN_PORT[]->NXM_NX_REG0[]", Line("why", "move:NXM_OF_IN_PORT[]->NXM_NX_REG0[]")),
        ('why R("a --all")', Line("why", 'R("a --all")')),
        ("why it's x --all", Line("why", "it's x", {"all": True})),
        ('why R("a > f.txt")', Line("why", 'R("a > f.txt")')),
        ("why a--all", Line("why", "a--all")),
        ("why --all", Line("why", "", {"all": True})),
        ('why "it\'s" --all', Line("why", '"it\'s"', {"all": True})),
    ],
)
def test_lines(raw, line):
    """Options, file and the rest are found where they stand."""
    assert parse(raw, find_options) == line


@pytest.mark.parametrize(
    ("raw", "message", "place", "hint"),
    [
        ("wyh x", "no verb wyh", "wyh", "did you mean 'why'?"),
        ("why --detph 3 x", "why has no option --detph", "--detph", "did you mean --depth?"),
        ("why x --detph 3", "why has no option --detph", "--detph", "did you mean --depth?"),
        ("why --may-exist x", "why has no option --may-exist", "--may-exist", "-- before what is no option"),
        ("why --depth x", "--depth takes a whole number", "x", ""),
        ("why x --depth", "--depth takes a number", "--depth", ""),
        ("why x --chassis", "--chassis takes a value", "--chassis", ""),
        ("why --depth -1 x", "--depth takes a whole number", "-1", ""),
    ],
)
def test_what_is_wrong(raw, message, place, hint):
    """What is wrong is said with its place and what to do."""
    with pytest.raises(QuestionError) as caught:
        parse(raw, find_options)
    error = caught.value
    assert (error.message, raw[error.start : error.end]) == (message, place)
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("why R(", True),
        ("why R(x) &", True),
        ("why R(x) \\", True),
        ("why R(x, [1, 2)", True),
        ('why R("(")', False),
        ("why R(x)", False),
        ("why R)", False),
        ("why R('a(", True),
        ("", False),
    ],
)
def test_lines_that_go_on(text, more):
    """A line goes on while a bracket is open, or after & or a backslash."""
    assert goes_on(text) == more


def test_joining():
    """Lines of one question are joined by blanks; lines that were pasted together stay apart."""
    assert (
        joined(" why table=1 actions=drop\n\n  table=2 actions=drop\n")
        == "why table=1 actions=drop\ntable=2 actions=drop"
    )
    assert joined("query A(x) &\n  B(x) \\\n\tC(x)\n") == "query A(x) & B(x) C(x)"
