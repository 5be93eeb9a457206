"""Any text at all: an answer, in steps that grow with the text."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ovn_rules.rules.lflow import EZBAKE, OVN, describe, needs_conjunction, openflow, ports_in, problem
from ovn_rules.rules.lflow.cubes import LIMIT

CORPUS = (Path(__file__).parent / "fixtures" / "corpus.txt").read_text("utf-8").splitlines()
PIECES = st.sampled_from(
    [piece for line in CORPUS for piece in line.split(" ") if piece]
    + sorted(OVN.symbols)
    + ["&&", "||", "!", "(", ")", "{", "}", "[0]", "[1..3]", "==", "!=", "<", ">=", "=", "<->", ";", ",", "\n", "\0"]
    + ["next", "output", "drop", '"a"', "10.0.0.0/8", "0x5/0x7", "fe80::/10", "0a:00:00:00:00:01"]
)
TEXTS = st.text(max_size=60) | st.lists(PIECES, max_size=40).map(" ".join) | st.lists(PIECES, max_size=20).map("".join)


def answer(text):
    """Asks everything that can be asked of a text, and checks that the answers agree."""
    for table in (EZBAKE, OVN):
        said = describe(text, table)
        if said.error:
            assert 0 <= said.position <= len(text)
            assert said.rendering.split("\n")[2].strip() == "^"
            said.rendering.encode()
        assert len(said.flows) <= 2 * LIMIT
    wrong = problem(text, "next;")
    assert bool(wrong) == bool(describe(text, EZBAKE, dict.fromkeys(ports_in(text), 1)).error)
    assert "\n" not in wrong
    ports = tuple((p, i + 1) for i, p in enumerate(ports_in(text)))
    for rows in (openflow(text, "next;", 0, 1, ports, 1), openflow("1", text, 0, 1, ports)):
        assert all(m and a and "\n" not in m + a for m, a in rows)
    assert not (wrong and (openflow(text, "next;", 0, 1, ports) or needs_conjunction(text, ports)))


@pytest.mark.parametrize("text", CORPUS)
def test_the_corpus_is_answered(text):
    """Every text that was thought of as nasty gets an answer, alone and repeated."""
    answer(text)
    answer(f"{text} " * 50)
    answer(text * 50)


@settings(deadline=None, max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
@example("\0")
@example("ip4\0")
@example("")
def test_any_text_is_answered(text):
    """No text raises anything, and what is wrong has a place in it."""
    answer(text)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80))
def test_any_bytes_are_answered(data):
    """Bytes of any encoding are answered once they are text, surrogates for the undecodable included."""
    for text in (data.decode("latin-1"), data.decode("utf-8", "replace")):
        answer(text)


def steps(text):
    """How many Python functions an answer calls."""
    count = 0

    def counted(_frame, event, _arg):
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        describe(text)
    finally:
        sys.setprofile(None)
    return count


GROWING = {
    "parentheses": lambda n: "(" * n,
    "closed parentheses": lambda n: "(" * 90 + "1 && " * n + "1" + ")" * 90,
    "negations": lambda n: "!" * n,
    "negated parentheses": lambda n: "!(" * n,
    "spaces": lambda n: " " * n + "1",
    "comments": lambda n: "/* */" * n + "1",
    "an open comment": lambda n: "/*" + "*" * n,
    "an open string": lambda n: 'inport == "' + "a" * n,
    "escapes": lambda n: 'inport == "' + "\\n" * n + '"',
    "an identifier": lambda n: "a" * n,
    "digits": lambda n: "reg0 == " + "9" * n,
    "hexadecimal digits": lambda n: "reg0 == 0x" + "0" * n + "1",
    "dots": lambda n: "reg0 == " + "1." * n,
    "colons": lambda n: "ip6.src == " + ":" * n,
    "constants": lambda n: "1 && " * n + "1",
    "a set": lambda n: "ip4.src == {" + ", ".join(f"10.{i >> 8 & 255}.{i & 255}.1" for i in range(n)) + "}",
    "a set of one": lambda n: "tcp.dst == {" + "80 " * n + "}",
    "a set of names": lambda n: "inport == {" + " ".join(f'"p{i}"' for i in range(n)) + "}",
    "a forbidden set": lambda n: "tcp.dst != {" + ", ".join(str(i * 7) for i in range(n)) + "}",
    "ranges": lambda n: " && ".join(f"tcp.dst < {60000 - i}" for i in range(n)),
    "alternatives": lambda n: " || ".join(f"(tcp.dst == {i} && ip4.src == 10.0.0.{i % 250})" for i in range(n)),
    "nested alternatives": lambda n: "(ip4 || (tcp && " * 49 + " || ".join(["ip6"] * n) + "))" * 49,
}


@pytest.mark.parametrize("name", GROWING)
def test_steps_grow_with_the_text(name):
    """Four times the text takes four times the steps, and not many more: nothing explodes with length."""
    small, large = (steps(GROWING[name](n)) for n in (500, 2000))
    assert large <= 6 * small + 1000


@pytest.mark.parametrize(
    "text",
    [
        " && ".join(f"(reg{i % 10}[{i % 31}] || reg{i % 9}[{i % 30}] || tcp.dst[{i % 16}])" for i in range(400)),
        "ip4 || (" + " && ".join(f"(reg{i % 10}[{i % 31}] || tcp.dst[{i % 16}])" for i in range(400)) + ")",
        " && ".join(f"ip6.src != {i:x}::{i:x}" for i in range(1, 3000)),
        " && ".join(f"reg{i} != 5" for i in range(10))
        + " && !("
        + " && ".join(f"xreg{i} == 7" for i in range(5))
        + ")",
        "ip4.src == {" + ", ".join(f"{i % 200}.{i % 251}.{i % 241}.{i % 239}" for i in range(40000)) + "}",
    ],
    ids=["clauses", "clauses inside", "forbidden addresses", "forbidden registers", "a large set"],
)
def test_expansion_ends(text):
    """What would explode ends at the limit with a clear error, or is few flows."""
    said = describe(text)
    assert len(said.flows) <= LIMIT
    assert not said.error or said.error == "Expression needs too many OpenFlow flows (the limit is 65536)."


def test_work_without_many_flows_ends():
    """An expression whose conversion compares too many pairs is refused, even if few flows would remain."""
    pairs = " || ".join(f"(reg0 == {i} && reg1 == {i})" for i in range(2000))
    assert "too many OpenFlow flows" in describe(f"reg2 == 1 && (reg3 == 1 || (({pairs}) && ({pairs})))").error


def test_a_text_of_any_length_is_answered():
    """An expression beyond the longest that is read is refused as that."""
    assert describe("1 && " * 400_000 + "1").error == "Expression is longer than 1048576 characters."
