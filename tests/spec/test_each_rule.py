"""Every rule is needed: without it a spec fails."""

import importlib
from contextlib import contextmanager
from pathlib import Path

import pytest
from network import CASES, CONTROLLER, EVERYTHING, NORTHD, PROGRAMS, Network

from ovn_rules.cli.spec.finding import is_spec
from ovn_rules.cli.spec.programs import rules_of
from ovn_rules.cli.spec.reader import Case as YamlCase
from ovn_rules.cli.spec.reader import read_spec
from ovn_rules.cli.spec.report import report
from ovn_rules.cli.spec.runner import Runner

YAML = Path(__file__).parent / "ezbake"

BY_NATURE = {
    (NORTHD, "held_here"): "central reads no host's own database, so no claim ever reaches it",
}
"""Clauses that a role loads and that can't come true in it."""

FILES = sorted(Path(__file__).parent.glob("test_*.py"))
RULES = rules_of("ezbake")


class Bench:
    """Runs specs one after another on the same engines, which is quicker than to make new ones."""

    def __init__(self, role):
        """Engines of a role."""
        self.role = role
        self.runner = Runner(RULES, role, checked=False)
        self.engine = self.runner.engine
        self.central = self.runner.world.central and self.runner.world.central.engine

    def run(self, case):
        """Run a spec; afterwards the engines are as new.

        Raises:
            Exception: whatever makes the spec fail.
        """
        if isinstance(case, YamlCase):
            result = self.runner.run(case)
            assert not result.misses, report(result)
            return
        net = Network(self.role, engine=self.engine, central=self.central, checked=False)
        try:
            case.function(net)
        finally:
            net.clear()

    def _rules(self):
        return [rule for world in self.runner.worlds.values() for rule in world.engine.network.rules]

    def used(self, case):
        """The clauses that a spec puts to work."""
        before = {id(r): r.calls for r in self._rules()}
        self.run(case)
        return {r.clause.name for r in self._rules() if r.calls > before.get(id(r), 0)}

    def fails(self, case):
        """Whether a spec fails, however it does."""
        try:
            self.run(case)
        except Exception:  # noqa: BLE001 - a missing rule may show in any way
            return True
        return False

    @contextmanager
    def without(self, clause):
        """Leaves a clause out: nothing wakes it."""
        engines = [world.engine for world in self.runner.worlds.values()]
        members = [m for engine in engines for m in engine.network.members.values()]
        nodes = [n for m in members for n in (m.outer, m.inner) if n is not None]
        lists = [each for n in nodes for each in (n.before, n.after, n.negations)]
        kept = [list(each) for each in lists]
        for each in lists:
            each[:] = [c for c in each if c.rule.clause.name != clause.name]
        yield
        for each, all_of_it in zip(lists, kept, strict=True):
            each[:] = all_of_it


def cases(role):
    """The specs for a role, of all modules here."""
    for file in FILES:
        importlib.import_module(file.stem)
    written = [c for path in sorted(YAML.glob("*.yaml")) if is_spec(path) for c in read_spec(path).cases]
    return [c for c in (*written, *CASES.values()) if role in c.roles]


def subject(case):
    """The subject of the file that a spec stands in."""
    return case.file.stem if isinstance(case, YamlCase) else case.file.removeprefix("test_")


@pytest.mark.parametrize("role", [NORTHD, CONTROLLER, EVERYTHING])
def test_every_clause_has_a_spec(role):
    """For each clause of a role's rules there is a spec that fails without it."""
    bench = Bench(role)
    uses = [(c, bench.used(c)) for c in cases(role)]
    unneeded = []
    for clause in PROGRAMS[role].clauses:
        # Its own file's specs first, and of those the ones that are about little else.
        module = clause.module.rpartition(".")[2]
        users = [(subject(c) != module, len(used), i) for i, (c, used) in enumerate(uses) if clause.name in used]
        with bench.without(clause):
            if not any(bench.fails(uses[i][0]) for _, _, i in sorted(users)):
                unneeded.append(clause.name)
    by_nature = [name for r, name in BY_NATURE if r == role]
    assert unneeded == by_nature, f"no spec fails without {set(unneeded) ^ set(by_nature)}"


@pytest.mark.parametrize("role", [NORTHD, CONTROLLER, EVERYTHING])
def test_nothing_is_left(role):
    """After a spec, when all rows are gone, every relation is empty."""
    bench = Bench(role)
    for case in cases(role):
        bench.run(case)
        left = [name for name in bench.engine.program.relations if bench.engine.facts(name)]
        assert left == [], case.name


def test_every_spec_is_collected():
    """Each file beside this one that has specs is among those that are tried."""
    found = {f.stem for f in FILES if any(c.file == f.stem for c in CASES.values())}
    assert found == {f.stem for f in FILES if "\n@spec(" in f.read_text(encoding="utf-8")}
