"""The examples in docs/lflow.md are what the library answers."""

import contextlib
import io
import re
from pathlib import Path

from ovn_rules.rules.lflow import describe

TEXT = (Path(__file__).parents[2] / "docs" / "lflow.md").read_text("utf-8")


def test_the_example_is_what_happens():
    """Each line of the example gives what its comment says."""
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1]
    names = {}
    checked = 0
    statement = ""
    for line in code.splitlines():
        told = line.removeprefix("# ") if line.startswith("# ") else None
        source, _, after = ("", "", told) if told else line.partition("  # ") if "  # " in line else (line, "", None)
        if source.strip():
            statement = source.strip()
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                try:
                    value = eval(statement, names)  # noqa: S307 -- the text is our own page
                except SyntaxError:
                    exec(statement, names)  # noqa: S102 -- the text is our own page
                    value = None
            expected = output.getvalue().splitlines() or [repr(value)]
        if after:
            assert after.strip() in [e.strip() for e in expected], statement
            checked += 1
    assert checked == 9


def test_the_numbers_of_flows_are_right():
    """The numbers of flows that the page tells are those of the library."""
    assert len(describe("tcp.dst >= 1024").flows) == 2 * 6
    assert len(describe("ip4.src != {10.0.0.1, 10.0.0.2}").flows) == 32
    assert len(describe("ip6.src[64..79] == 5").flows) == 4
    assert describe("ip.later_frag && tcp.dst == 80").flows == ()
    assert describe("tcp.dst[0..3] == 0x1f").parsed == "tcp.dst[0..3] == 0xf"
