"""``ovn-rules`` with verbs that no network has: one that never ends, one that has a fault, one with a long answer."""

import os
import sys
import types

from ovn_rules.cli.main import main
from ovn_rules.cli.verbs.registry import SUMMARIES
from ovn_rules.cli.verbs.verb import Verb


def endless(_world, _text, _options):
    """Never answers."""
    os.write(1, b"begun\n")
    while True:
        pass


def broken(_world, _text, _options):
    """Has a fault."""
    raise ZeroDivisionError("a bug")


def long(_world, text, _options):
    """Answers at length, and names facts."""
    fact = {"relation": "Binding", "fact": {"logical_port": "vm1"}}
    return {"lines": [f"line {i} of the answer" for i in range(int(text))], "facts": {"Binding#0123abcd": fact}}


def show(document, console):
    """Prints the lines."""
    console.print("\n".join(document["lines"]))


for answer in (endless, broken, long):
    module = types.ModuleType(answer.__name__)
    module.VERB = Verb(answer.__name__, "TEXT", "", "", (), answer, show)
    sys.modules[f"ovn_rules.cli.verbs.{answer.__name__}"] = module
    SUMMARIES[answer.__name__] = ""

main()
