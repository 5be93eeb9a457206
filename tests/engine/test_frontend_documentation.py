"""The reference of the rule language says what the front end does, and what is answered."""

import io
import re
from ast import literal_eval
from collections import defaultdict
from pathlib import Path

import pytest
from rich.console import Console
from rule_files import import_file

from ovn_rules.cli.tables import print_table
from ovn_rules.engine import Engine, load
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.frontend_purity import BUILTINS
from ovn_rules.engine.patterns import parse_pattern
from ovn_rules.engine.queries import parse_query

TEXT, _, ASKING = (Path(__file__).parents[2] / "docs" / "rule-language.md").read_text().partition("\n## Asking\n")


def facts(block):
    """The facts written in a block, by relation."""
    found = defaultdict(set)
    for name, terms in re.findall(r"^(\w+)(\(.*\))$", block, re.MULTILINE):
        value = literal_eval(terms)
        found[name].add(value if isinstance(value, tuple) else (value,))
    return found


@pytest.fixture
def engine(tmp_path):
    """The example's program with the facts that it is given."""
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "example.py").write_text(source)
    engine = Engine(load(import_file(tmp_path / "example.py", "rule_language_example")))
    given, _derived, _loading = blocks(TEXT)
    engine.transact({name: ((), rows) for name, rows in facts(given).items()})
    return engine


def blocks(text):
    """The text blocks."""
    return re.findall(r"```text\n(.*?)```", text, re.DOTALL)


def test_the_worked_example(engine):
    """The example derives what the reference says it does."""
    derived = facts(blocks(TEXT)[1])
    assert {name: set(engine.facts(name)) for name in derived} == derived
    assert engine.recompute() == {}


def pattern(engine, text):
    """What a pattern finds, as the reference shows it."""
    asked = parse_pattern(engine.program, text)
    found = [f"{asked.relation.name}({', '.join(map(repr, f))})" for f in asked.matching(engine)]
    return [*(f"note: {note}" for note in asked.notes(engine)), *found]


def query(engine, text):
    """What a query answers, as a table."""
    found = parse_query(engine.program, text).answers(engine)
    out = io.StringIO()
    print_table(Console(file=out), found.columns, [tuple(map(str, row)) for row in found.rows])
    return out.getvalue().splitlines()


@pytest.mark.parametrize("number", [0, 1], ids=["patterns", "queries"])
def test_questions(engine, number):
    """Patterns and queries are answered as the reference says."""
    block = blocks(ASKING)[number]
    shown = []
    for line in block.splitlines():
        if line.startswith("> "):
            shown.append(line)
            try:
                shown += (pattern, query)[number](engine, line[2:])
            except QuestionError as error:
                shown += error.shown().splitlines()
    assert shown == block.splitlines()
    assert sum(line.startswith("> ") for line in shown) > 4


def test_builtins_are_without_side_effects():
    """The builtins that rules may call can't reach files, code or memory addresses."""
    assert not BUILTINS.keys() & {"open", "input", "print", "eval", "exec", "id", "hash", "getattr", "vars", "globals"}
