"""Networks asked in this process: the demonstration's, read from database files, and one of seats and tickets."""

from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from ovn_rules.cli.demo_network import save
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.programs import find_program
from ovn_rules.cli.sources import load_network
from ovn_rules.engine import Engine
from ovn_rules.engine.errors import QuestionError


def saved(folder):
    """The options that name the network's files."""
    files = {path.stem: str(path) for path in save(folder)}
    return ["--nb", files["nb"], "--sb", files["sb"], "--ovs", files["host1"], "--ovs", files["host2"]]


def loaded(folder):
    """The network in an engine."""
    options = saved(folder)
    return load_network(options[1], options[3], options[5::2], "ezbake")


SEATS = '''
from ovn_rules.engine import Relation, _, allocate, rule

class Seat(Relation):
    """A wish."""
    who: str
    row: int

class Place(Relation, key=("row",)):
    """Who sits in a row."""
    row: int
    who: str

class Ticket(Relation):
    """A number."""
    who: str
    number: int

@rule
def place(who, row):
    """One a row."""
    Place(row, who) <= Seat(who, row)

@rule
def ticket(who):
    """Two tickets."""
    Ticket(who, allocate(1, 2)) <= Seat(who, _)
'''


def seated(folder, *seats):
    """A program of one's own in an engine: who wishes to sit in which row."""
    module = folder / "seats.py"
    module.write_text(SEATS)
    program = find_program(str(module))
    world = SimpleNamespace(engine=Engine(program.everything.load()), program=program)
    world.engine.transact({"Seat": ((), seats)})
    return world


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
