"""Every rule is needed: without it a spec fails."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from network import CONTROLLER, EVERYTHING, EZBAKE, NORTHD

from ovn_rules.cli.spec.finding import is_spec
from ovn_rules.cli.spec.reader import read_spec
from ovn_rules.cli.spec.report import report
from ovn_rules.cli.spec.runner import Runner

BY_NATURE = {
    (NORTHD, "held_here"): "central reads no host's own database, so no claim ever reaches it",
}
"""Clauses that a role loads and that can't come true in it."""

FILES = [p for p in sorted(Path(__file__).parent.glob("ezbake/*.yaml")) if is_spec(p)]


class Bench:
    """Runs specs one after another on the same engines, which is quicker than to make new ones."""

    def __init__(self, role):
        """Engines of a role."""
        self.runner = Runner(EZBAKE, role, checked=False)
        self.cases = [case for path in FILES for case in read_spec(path).cases if role in case.roles]

    def _rules(self):
        return [rule for world in self.runner.worlds.values() for rule in world.engine.network.rules]

    def used(self, case):
        """The clauses that a spec, which holds, puts to work."""
        before = {id(r): r.calls for r in self._rules()}
        result = self.runner.run(case)
        assert not result.misses, report(result)
        return {r.clause.name for r in self._rules() if r.calls > before.get(id(r), 0)}

    @contextmanager
    def without(self, clause):
        """Leaves a clause out: nothing wakes it."""
        members = [m for world in self.runner.worlds.values() for m in world.engine.network.members.values()]
        nodes = [n for m in members for n in (m.outer, m.inner) if n is not None]
        lists = [each for n in nodes for each in (n.before, n.after, n.negations)]
        kept = [list(each) for each in lists]
        for each in lists:
            each[:] = [c for c in each if c.rule.clause.name != clause.name]
        yield
        for each, all_of_it in zip(lists, kept, strict=True):
            each[:] = all_of_it


@pytest.mark.parametrize("role", [NORTHD, CONTROLLER, EVERYTHING])
def test_every_clause_has_a_spec(role):
    """For each clause of a role's rules there is a spec that fails without it."""
    bench = Bench(role)
    uses = [(case, bench.used(case)) for case in bench.cases]
    unneeded = []
    for clause in EZBAKE.program(role).clauses:
        # Its own subject's specs first, and of those the ones that are about little else.
        module = clause.module.rpartition(".")[2]
        users = [(c.file.stem != module, len(used), i) for i, (c, used) in enumerate(uses) if clause.name in used]
        with bench.without(clause):
            if not any(bench.runner.run(uses[i][0]).misses for _, _, i in sorted(users)):
                unneeded.append(clause.name)
    by_nature = [name for r, name in BY_NATURE if r == role]
    assert unneeded == by_nature, f"no spec fails without {set(unneeded) ^ set(by_nature)}"
