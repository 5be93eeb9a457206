"""Examples in text files, one behaviour each."""

from pathlib import Path

import pytest

from ovn_rules.rules.lflow import EZBAKE, LflowError, describe, openflow, parse_actions, problem

FIXTURES = Path(__file__).parent / "fixtures"
PORTS = {"web": 3, "db": 9}


def blocks(name):
    """The paragraphs of a fixture file, as lists of lines, without the comment at its top."""
    paragraphs = (FIXTURES / name).read_text("utf-8").strip("\n").split("\n\n")
    return [p.split("\n") for p in paragraphs if not p.startswith("#")]


def cases(name):
    """Its paragraphs as test parameters, named by their first line."""
    found = blocks(name)
    assert len(found) > 20
    return pytest.mark.parametrize("lines", found, ids=[lines[0][:60] for lines in found])


@cases("expressions.txt")
def test_expression_means_what_the_fixture_says(lines):
    """An expression has the canonical form, the prerequisites and the flows that are written down for it."""
    said = describe(lines[0].removeprefix("> "), ports=PORTS)
    if said.error:
        found = [f"! {said.error}"]
    else:
        needs = [f"needs {', '.join(said.prerequisites)}"] if said.prerequisites else []
        found = [f"= {said.parsed}", *needs, *(f or "everything" for f in said.flows or ["nothing"])]
    assert sorted(found) == sorted(lines[1:])


@cases("errors.txt")
def test_error_is_shown_with_a_caret(lines):
    """What is wrong is one sentence, the text and a caret under the place."""
    text, caret, message = lines
    said = describe(text)
    assert said.rendering == f"{message}\n{text}\n{caret}"
    assert (said.error, said.position, said.flows, said.parsed) == (message, caret.index("^"), (), "")


@cases("actions.txt")
def test_actions_become_what_the_fixture_says(lines):
    """Actions become the OpenFlow actions, and imply the matches, that are written down for them."""
    text = lines[0][1:].removeprefix(" ")
    if lines[1].startswith("! "):
        position, message = lines[1][2:].split(" ", 1)
        with pytest.raises(LflowError) as e:
            parse_actions(text, EZBAKE)
        assert (e.value.message, e.value.position) == (message, int(position))
        assert openflow("1", text, 2, 1, (("vm", 0x1F),)) == ()
        assert problem("1", text, 2).startswith(message.removesuffix("."))
        return
    expected = {(line.removeprefix("for "), lines[1].removeprefix("= ")) for line in lines[2:]}
    assert set(openflow("1", text, 2, 1, (("vm", 0x1F),))) == expected
    assert problem("1", text, 2) == ""


def test_a_long_text_is_shown_around_the_place():
    """The caret line stays readable for a match of any length, and control characters don't disturb it."""
    text = "reg0 == 1 && " * 40 + "\treg0\x85 == 1"
    message, shown, caret = describe(text).rendering.split("\n")
    assert message == "Invalid character U+0085 in input."
    assert len(shown) < 140
    assert shown[caret.index("^") - 4 : caret.index("^")] == "reg0"
    assert shown.startswith("…")
