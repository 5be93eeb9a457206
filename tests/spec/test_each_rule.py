"""Every rule is needed: without it a spec fails."""

import importlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from network import CASES, CONTROLLER, EVERYTHING, NORTHD, PROGRAMS, Network

BY_NATURE = {
    (NORTHD, "held_here"): "central reads no host's own database, so no claim ever reaches it",
}
"""Clauses that a role loads and that can't come true in it."""


def collect():
    """Imports the modules with specs."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(file.stem)
    return CASES.values()


def used_by(case, role):
    """How often each clause ran in a spec."""
    net = Network(role, checked=False)
    case.function(net)
    return {r.clause.name: r.calls for r in net.engine.network.rules if r.calls}


def fails_without(case, role, clause):
    """Whether a spec fails when a role lacks a clause."""
    rules = PROGRAMS[role]
    rest = tuple(c for c in rules.clauses if c is not clause)
    try:
        case.function(Network(role, replace(rules, clauses=rest), checked=False))
    except Exception:  # noqa: BLE001 - however it fails
        return True
    return False


@pytest.mark.parametrize("role", [NORTHD, CONTROLLER, EVERYTHING])
def test_every_clause_has_a_spec(role):
    """For each clause of a role's rules there is a spec that fails without it."""
    cases = [c for c in collect() if role in c.roles]
    uses = {(c.file, c.name): used_by(c, role) for c in cases}
    unneeded = []
    for clause in PROGRAMS[role].clauses:
        # Those with the fewest clauses at work say most about each.
        users = sorted((c for c in cases if clause.name in uses[c.file, c.name]), key=lambda c: len(uses[c.file, c.name]))
        module = clause.module.rpartition(".")[2]
        users.sort(key=lambda c: c.file != f"test_{module}")
        if not any(fails_without(c, role, clause) for c in users):
            unneeded.append(f"{module}.{clause.name}")
    expected = {name for r, name in BY_NATURE if r == role}
    assert {name.rpartition(".")[2] for name in unneeded} == expected, unneeded


def test_every_spec_is_collected():
    """Each file of specs beside this one is among those that are tried."""
    files = {c.file for c in collect()}
    here = {f.stem for f in Path(__file__).parent.glob("test_*.py") if "@spec(" in f.read_text() and f.stem in files}
    assert here == {f.stem for f in Path(__file__).parent.glob("test_*.py") if "@spec(" in f.read_text()} - {
        os.path.splitext(os.path.basename(__file__))[0]
    }
