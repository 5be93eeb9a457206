"""The demonstration's network, read from database files and asked in this process."""

from io import StringIO

import pytest
from rich.console import Console

from ovn_rules.cli.demo_network import save
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.sources import load_network
from ovn_rules.engine.errors import QuestionError


def saved(folder):
    """The options that name the network's files."""
    files = {path.stem: str(path) for path in save(folder)}
    return ["--nb", files["nb"], "--sb", files["sb"], "--ovs", files["host1"], "--ovs", files["host2"]]


def loaded(folder):
    """The network in an engine."""
    options = saved(folder)
    return load_network(options[1], options[3], options[5::2], "ezbake")


def ask(world, verb, text, **options):
    """A verb's document."""
    return verb.answer(world, verb.prepare(text), {**verb.defaults(), **options})


def shown(verb, document, width=400, *, terminal=False):
    """What a verb prints, to a pipe or on a terminal without colours."""
    out = StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, force_terminal=terminal, color_system=None)
    verb.show(document, console)
    return out.getvalue().splitlines()


def refusal(world, verb, text):
    """The one line that a verb says of a text that it refuses; the network is as it was."""
    count = world.engine.transactions
    with pytest.raises((Failure, QuestionError)) as refused:
        ask(world, verb, text)
    line = refused.value.message if isinstance(refused.value, Failure) else str(refused.value)
    assert "\n" not in line
    assert world.engine.transactions == count
    return line
