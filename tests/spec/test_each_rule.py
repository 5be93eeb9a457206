"""Every rule is needed: without it a spec fails."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from ovn_rules.cli.spec.command import chosen, read_all, spec_paths
from ovn_rules.cli.spec.mutation import used
from ovn_rules.cli.spec.programs import rules_of
from ovn_rules.cli.spec.runner import Runner, run_cases
from ovn_rules.engine.coverage import Coverage

FOLDER = Path(__file__).parent / "ezbake"
RULES = rules_of("ezbake")

BY_NATURE = {
    ("northd", "held_here"): "central reads no host's own database, so no claim ever reaches it",
}
"""Clauses that a role loads and that can't come true in it."""


def cases(role=None):
    """The specs for a role, or all."""
    roles = () if role is None else (role,)
    return [c for file in read_all(spec_paths([FOLDER])) for c in chosen(file, None, roles)]


@contextmanager
def without(runner, clause):
    """Leaves a clause out: nothing wakes it. This is quicker than engines that never had it."""
    engines = [world.engine for world in runner.worlds.values()]
    members = [m for engine in engines for m in engine.network.members.values()]
    nodes = [n for m in members for n in (m.outer, m.inner) if n is not None]
    lists = [each for n in nodes for each in (n.before, n.after, n.negations)]
    kept = [list(each) for each in lists]
    for each in lists:
        each[:] = [c for c in each if c.rule.clause.name != clause.name]
    yield
    for each, all_of_it in zip(lists, kept, strict=True):
        each[:] = all_of_it


def fails(runner, case):
    """Whether a spec fails, however it does."""
    try:
        return bool(runner.run(case).misses)
    except Exception:  # noqa: BLE001 - a missing rule may show in any way
        return True


@pytest.mark.parametrize("role", RULES.loaders)
def test_every_clause_has_a_spec(role):
    """For each clause of a role's rules there is a spec that fails without it."""
    runner = Runner(RULES, role, checked=False)
    uses = [(case, used(runner, case)) for case in cases(role)]
    unneeded = []
    for clause in RULES.program(role).clauses:
        users = sorted((len(names), i) for i, (_, names) in enumerate(uses) if clause.name in names)
        with without(runner, clause):
            if not any(fails(runner, uses[i][0]) for _, i in users):
                unneeded.append(clause.name)
    by_nature = [name for r, name in BY_NATURE if r == role]
    assert unneeded == by_nature, f"no spec fails without {set(unneeded) ^ set(by_nature)}"


def test_coverage():
    """Every head is derived by some spec."""
    coverage = Coverage()
    assert [r for r in run_cases(cases(), observe=coverage.observe) if r.misses] == []
    assert [c.clause.name for c in coverage.gaps()] == []
