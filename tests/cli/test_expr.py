"""``ovn-rules expr``: answers for people and for programs."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.cli.expr import expr


def run(*words, text=b""):
    return CliRunner().invoke(expr, words, input=text)


def test_answer_for_a_person():
    """One expression is answered with its canonical form, prerequisites, matches and what they cost."""
    result = run("ip4.src == 10.0.0.0/8 && tcp.dst == {80, 443}")
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
expression     ip4.src == 10.0.0.0/8 && tcp.dst == {80, 443}
canonical      ip4.src[24..31] == 0xa && (tcp.dst == 0x50 || tcp.dst == 0x1bb)
prerequisites  ip4
               tcp
               ip
matches        tcp,nw_src=10.0.0.0/8,tp_dst=80
               tcp,nw_src=10.0.0.0/8,tp_dst=443
costs 2 flows
"""
    )


@pytest.mark.parametrize(
    ("expression", "matches", "cost"),
    [
        ("1", "(every packet)", "costs 1 flow"),
        ("0", "(no packet)", "costs 0 flows"),
        ('inport == "unknown here"', "(no packet)", "costs 0 flows"),
    ],
)
def test_everything_and_nothing(expression, matches, cost):
    """A match of every packet, of none, and of a port that isn't known, are said in words."""
    assert run(expression).stdout.splitlines()[-2:] == [f"matches        {matches}", cost]


def test_error_for_a_person():
    """A wrong expression ends with status 1, its place shown by a caret on standard error."""
    result = run("ip4 && tcp.dts == 80")
    assert (result.exit_code, result.stdout) == (1, "")
    message, text, caret = result.stderr.splitlines()
    assert "`tcp.dts'" in message
    assert text[caret.index("^") :].startswith("tcp.dts")


def test_answers_for_programs():
    """With --format json each line is one object: expression, parsed and flows, or expression, error and position."""
    lines = ["ip4", "", "1", "0", "  !ip4", "ip4 && ip6.src == 1"]
    result = run("-", "--format", "json", text="\n".join(lines))
    assert result.exit_code == 1
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [a["expression"] for a in answers] == lines
    assert [a.get("flows") for a in answers] == [["ip"], None, [""], [], None, []]
    assert answers[0] == {"expression": "ip4", "parsed": "ip4", "flows": ["ip"]}
    assert answers[4].keys() == {"expression", "error", "position"}
    assert answers[4]["position"] == 3


def test_answers_for_people_are_one_a_line_too():
    """Without --format json several expressions are answered in order, errors in their place, an empty line between."""
    result = run("-", text="ip4\nip5\nip6\n")
    assert (result.exit_code, result.stderr) == (1, "")
    first, second, third = result.stdout.removesuffix("\n\n").split("\n\n")
    assert first.startswith("expression     ip4\n")
    assert second.endswith("\nip5\n^")
    assert third.endswith("\ncosts 1 flow")


def test_programs_differ_in_symbols():
    """The symbols are today's OVN's unless --program ezbake asks for those of 2015."""
    assert run("ct.est").exit_code == 0
    assert run("--program", "ezbake", "ct.est").exit_code == 1
    assert run("--program", "ezbake", "ip4").exit_code == 0


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60).filter(lambda b: b"\n" not in b), st.sampled_from([b"\n", b"\r\n"]))
def test_any_bytes_get_one_answer(line, end):
    """Whatever bytes a line holds, it gets exactly one answer, and the next line gets its own."""
    result = run("-", "--format=json", text=line + end + b"ip4")
    first, second = (json.loads(answer) for answer in result.stdout.splitlines())
    assert first["expression"].encode(errors="surrogateescape") == line.removesuffix(b"\r" if end == b"\n" else b"")
    assert second["flows"] == ["ip"]


def test_answers_come_at_once():
    """A program that asks line by line gets each answer before it asks again."""
    command = [sys.executable, "-c", "from ovn_rules.cli.main import main; main()", "expr", "-", "--format=json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for text in ("ip4", "ip6"):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["expression"] == text
        process.stdin.close()
    assert process.returncode == 0


def test_reader_that_has_seen_enough():
    """A reader that goes away (head) ends the program quietly."""
    program = "import sys; sys.argv[0] = 'ovn-rules'; from ovn_rules.cli.main import main; main()"
    shell = 'yes ip4 | head -20000 | "$0" -c "$1" expr - | head -1'
    done = subprocess.run(["bash", "-c", shell, sys.executable, program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("expression     ip4\n", "")
