"""``ovn-rules expr``: what an expression of the logical flow language means, costs and becomes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ovn_rules.rules.lflow import EZBAKE, OVN, Description, describe

if TYPE_CHECKING:
    from collections.abc import Iterator

SYMBOLS = {"ovn": OVN, "ezbake": EZBAKE}


@click.command()
@click.argument("expression")
@click.option(
    "--program",
    type=click.Choice(sorted(SYMBOLS)),
    default="ovn",
    show_default=True,
    help="Whose symbols the expression may use.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is printed.",
)
def expr(expression: str, program: str, form: str) -> None:
    """Show what an expression means, costs and becomes.

    Prints the canonical form, the prerequisites that its symbols imply, and the OpenFlow matches. With - for
    EXPRESSION, each line of standard input is one, and gets one answer. Ports are not known here: their names are
    accepted and match nothing. The language is the one of ovn-sb(5), table Logical_Flow, column match.

    With --format json each answer is an object on a line of its own: expression, parsed and flows (the matches), or
    expression, error and position (in characters from 0). The exit status is 1 when an answer is an error.

    \b
    Examples:
      ovn-rules expr 'ip4.src == 10.0.0.0/8 && tcp.dst == {80, 443}'
      ovn-rules expr --program ezbake 'ip4 && icmp4.type == 8'
      ovn-rules nbctl acl-list sw0 | sed 's/.*[0-9] (\\(.*\\)) .*/\\1/' | ovn-rules expr - --format json
    """
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    failed = False
    show = _show_json if form == "json" else _show_text
    several = expression == "-"
    for text in _lines() if several else [expression]:
        answer = describe(text, SYMBOLS[program])
        failed = failed or bool(answer.error)
        show(answer, several)
    if failed:
        sys.exit(1)


def _lines() -> Iterator[str]:
    """The lines of standard input; bytes that are not UTF-8 stay what they are."""
    for line in sys.stdin.buffer:
        yield line.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")


def _show_json(answer: Description, _several: bool) -> None:
    members: dict[str, Any] = {"expression": answer.expression}
    if answer.error:
        members |= {"error": answer.error, "position": answer.position}
    else:
        members |= {"parsed": answer.parsed, "flows": answer.flows}
    print(json.dumps(members), flush=True)


def _show_text(answer: Description, several: bool) -> None:
    """Prints an answer; one of several ends with an empty line, and is not told apart by where it is printed."""
    end = "\n\n" if several else "\n"
    if answer.error:
        print(answer.rendering, end=end, file=sys.stdout if several else sys.stderr, flush=True)
        return
    number = len(answer.flows)
    flows = [flow or "(every packet)" for flow in answer.flows] or ["(no packet)"]
    rows = [("expression", [answer.expression]), ("canonical", [answer.parsed])]
    rows += [("prerequisites", list(answer.prerequisites) or ["none"]), ("matches", flows)]
    for name, values in rows:
        for i, value in enumerate(values):
            print(f"{'' if i else name:<14} {value}")
    print(f"costs {number} flow{'' if number == 1 else 's'}", end=end, flush=True)
