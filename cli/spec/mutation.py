"""Mutation: which faults of the rules no case notices."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, NoReturn

from ovn_rules.cli.rule_source import rule_file
from ovn_rules.cli.spec.document import Mistakes, parse
from ovn_rules.cli.spec.reader import read_text
from ovn_rules.cli.spec.runner import Runner
from ovn_rules.engine import Engine
from ovn_rules.engine.ir import Atom
from ovn_rules.engine.mutants import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from ovn_rules.cli.spec.programs import Rules
    from ovn_rules.cli.spec.reader import Case
    from ovn_rules.engine.ir import Clause

PATIENCE = 20
"""Seconds of computing for the cases of one mutant: one that takes longer has been noticed."""


@dataclass(frozen=True)
class Score:
    """What became of the mutants of a program, or of some of its modules.

    Attributes:
        killed: how many some case notices.
        explained: those that none notices, with the reason why none could.
        survivors: those that none notices.
        stale: explanations of what is no mutant, or is noticed.
    """

    killed: int
    explained: Mapping[str, str]
    survivors: tuple[Mutant, ...]
    stale: tuple[str, ...]

    @property
    def mutants(self) -> int:
        """How many there are."""
        return self.killed + len(self.explained) + len(self.survivors)

    def percent(self) -> float:
        """The share of mutants that are killed, 0 to 100."""
        return 100 * self.killed / max(1, self.mutants)


def score(
    cases: Sequence[Case],
    explained: Mapping[str, str],
    within: Collection[str],
    progress: Callable[[int, int], None],
) -> Score:
    """Try every mutant of a program, or of some of its modules, on its cases.

    Args:
        cases: of one program; they hold.
        explained: mutant's name → why no case could notice it.
        within: the modules' files, as a rule's place names them; empty for all.
        progress: is told how many of how many mutants have been tried.
    """
    roles = list(dict.fromkeys(role for case in cases for role in case.roles))
    rules = cases[0].rules
    trials = {role: Trial(rules, role, [c for c in cases if role in c.roles]) for role in roles}
    every = {name: mutant for trial in trials.values() for name, mutant in trial.mutants.items()}
    found = {name: m for name, m in every.items() if not within or rule_file(m.clause) in within}
    alive: list[Mutant] = []
    # Forked, so that rules, cases and what they use are there without being sent.
    with ProcessPoolExecutor(os.cpu_count(), get_context("fork"), _trials.update, (trials,)) as pool:
        for i, (mutant, noticed) in enumerate(
            zip(found.values(), pool.map(_noticed, found, chunksize=4), strict=True), 1
        ):
            if not noticed:
                alive.append(mutant)
            progress(i, len(found))
    names = {m.name for m in alive}
    return Score(
        len(found) - len(alive),
        {name: why for name, why in explained.items() if name in names},
        tuple(m for m in alive if m.name not in explained),
        tuple(name for name in explained if name in found.keys() - names or name not in every),
    )


class Trial:
    """The cases of one role, and what each puts to work.

    Args:
        rules: the program.
        role: the role.
        cases: those that run in the role.
    """

    def __init__(self, rules: Rules, role: str, cases: Sequence[Case]) -> None:
        self.rules = rules
        self.role = role
        self.mutants = {m.name: m for m in mutants(rules.program(role))}
        runner = Runner(rules, role, checked=False)
        self.cases = sorted(((case, used(runner, case)) for case in cases), key=lambda entry: len(entry[1]))
        """Those about little first; and before them, those that have noticed a mutant, the last one first."""
        empty = Engine(rules.program(role))
        empty.transact({})
        self.always = frozenset(r.clause.name for r in empty.network.rules if r.calls)
        """The clauses that are put to work even without any rows."""

    def notices(self, name: str) -> bool:
        """Whether some case fails with a mutant; it needn't be one of this role's."""
        mutant = self.mutants.get(name)
        if mutant is None:
            return False
        try:
            runner = Runner(self.rules, self.role, mutant.program(self.rules.program(self.role)), checked=False)
            for entry in self._ordered(mutant):
                if runner.run(entry[0]).misses:
                    self.cases.remove(entry)
                    self.cases.insert(0, entry)
                    return True
        except Exception:  # noqa: BLE001 - a fault may show in any way
            return True
        return False

    def _ordered(self, mutant: Mutant) -> list[tuple[Case, frozenset[str]]]:
        """The cases that may notice: first those that put the clause to work and are about its module.

        In a case that doesn't put it to work, no relation that it reads has facts: with the fault it derives nothing
        either, unless it now does so from nothing.
        """
        name, module = mutant.clause.name, mutant.clause.module.rpartition(".")[2]
        anywhere = name in self.always or (mutant.changed is not None and _from_nothing(mutant.changed))

        def rank(entry: tuple[Case, Collection[str]]) -> tuple[bool, bool]:
            case, names = entry
            return name not in names, case.file.stem != module

        return sorted((entry for entry in self.cases if anywhere or name in entry[1]), key=rank)


def _from_nothing(clause: Clause) -> bool:
    """Whether a clause can be true while no relation has facts."""
    return all(literal.negated for literal in clause.body if isinstance(literal, Atom))


def used(runner: Runner, case: Case) -> frozenset[str]:
    """The names of the clauses that a case puts to work."""
    rules = runner.world(case).engine.network.rules
    before = [r.calls for r in rules]
    runner.run(case)
    return frozenset(r.clause.name for r, calls in zip(rules, before, strict=True) if r.calls > calls)


_trials: dict[str, Trial] = {}
"""In a worker: the trials by role."""


class _TooLong(Exception):  # noqa: N818 - never leaves a worker
    """A mutant that goes on and on."""


def _stop(*_signal: object) -> NoReturn:
    raise _TooLong


def _noticed(name: str) -> bool:
    signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        return any(trial.notices(name) for trial in _trials.values())
    except _TooLong:
        return True
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def read_explanations(path: Path) -> dict[str, str]:
    """A YAML file of mutants that no case could notice: name → why.

    Args:
        path: the file.

    Raises:
        SpecError: it isn't such a file.
        OSError: it can't be read.
    """
    mistakes = Mistakes(str(path))
    node = parse(read_text(path), str(path))
    if node.kind != "mapping":
        mistakes.add(node.line, f"a mapping of mutants to reasons is wanted, not {node.named}")
    for _, why in node.pairs:
        if why.kind != "text" or not why.text.strip():
            mistakes.add(why.line, f"a reason is a text, not {why.named}")
    mistakes.raise_any()
    return {name.text: why.text for name, why in node.pairs}
