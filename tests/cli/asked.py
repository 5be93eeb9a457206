"""The demonstration's network, read from database files and asked in this process."""

from io import StringIO

from rich.console import Console

from ovn_rules.cli.demo_network import save
from ovn_rules.cli.sources import load_network


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
