"""The reference of the rule language says what the front end does."""

import re
from ast import literal_eval
from collections import defaultdict
from pathlib import Path

from rule_files import import_file

from ovn_rules.engine import Engine, load
from ovn_rules.engine.frontend_purity import BUILTINS

TEXT = (Path(__file__).parents[2] / "docs" / "rule-language.md").read_text()


def facts(block):
    """The facts written in a block, by relation."""
    found = defaultdict(set)
    for name, terms in re.findall(r"^(\w+)(\(.*\))$", block, re.MULTILINE):
        value = literal_eval(terms)
        found[name].add(value if isinstance(value, tuple) else (value,))
    return found


def test_the_worked_example(tmp_path):
    """The example derives what the reference says it does."""
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "example.py").write_text(source)
    program = load(import_file(tmp_path / "example.py", "rule_language_example"))
    given, derived, _loading = (facts(block) for block in re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL))
    engine = Engine(program)
    engine.transact({name: ((), rows) for name, rows in given.items()})
    assert {name: set(engine.facts(name)) for name in derived} == derived
    assert engine.recompute() == {}


def test_builtins_are_without_side_effects():
    """The builtins that rules may call can't reach files, code or memory addresses."""
    assert not BUILTINS.keys() & {"open", "input", "print", "eval", "exec", "id", "hash", "getattr", "vars", "globals"}
