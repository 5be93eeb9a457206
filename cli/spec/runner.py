"""Runs cases: every step in every role, with what was expected against what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.cli.spec.world import Disagreement, World, narrowed
from ovn_rules.engine import RuleFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ovn_rules.cli.spec.expectations import Expectation, Found
    from ovn_rules.cli.spec.facts import FactRow
    from ovn_rules.cli.spec.programs import Rules
    from ovn_rules.cli.spec.reader import Case, Step
    from ovn_rules.engine import Engine, Program


@dataclass(frozen=True)
class Miss:
    """One thing that isn't as a case says.

    Attributes:
        step: after which step.
        text: what is wrong, in a line.
        expectation: what was expected; None when the step itself went wrong.
        missing: facts that were expected and aren't there.
        unexpected: facts that are there and shouldn't be.
        reasons: why they are or aren't there, a text of several lines for each; empty where it wasn't asked for.
    """

    step: Step
    text: str
    expectation: Expectation | None = None
    missing: tuple[FactRow, ...] = ()
    unexpected: tuple[Found, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """How a case went in a role.

    Attributes:
        case: the case.
        role: the role.
        misses: what isn't as it says; empty when it holds.
    """

    case: Case
    role: str
    misses: tuple[Miss, ...]


class Runner:
    """Runs cases in one role of a program, on engines that are used again.

    Args:
        rules: the program.
        role: the role.
        program: stands in for the role's rules.
        checked: whether every step is compared with evaluation from scratch.
        explain: tells why a case failed, while the engine has the facts; None when nobody wants to know.
        observe: is shown the engine after every step, while it has the facts.
        keep_going: whether a case goes on after a step that isn't as it should be.
    """

    def __init__(
        self,
        rules: Rules,
        role: str,
        program: Program | None = None,
        *,
        checked: bool = True,
        explain: Callable[[Engine, Miss], tuple[str, ...]] | None = None,
        observe: Callable[[Engine], None] | None = None,
        keep_going: bool = False,
    ) -> None:
        self.rules = rules
        self.role = role
        self.program = program or rules.program(role)
        self.checked = checked
        self.explain = explain
        self.observe = observe
        self.keep_going = keep_going
        self.worlds: dict[tuple[tuple[str, tuple[int, int]], ...], World] = {}

    def run(self, case: Case) -> Result:
        """Run a case; afterwards the engines are as new."""
        world = self.world(case)
        misses: list[Miss] = []
        try:
            for step in case.steps:
                misses += self._step(world, step)
                if misses and not self.keep_going:
                    break
        finally:
            left = world.clear()
        if left and not misses:
            misses.append(Miss(case.steps[-1], f"when all rows are gone, there are still facts of {', '.join(left)}"))
        return Result(case, self.role, tuple(misses))

    def world(self, case: Case) -> World:
        """What a case runs in, made when it is first asked for."""
        ranges = tuple(sorted(case.ranges.items()))
        if ranges not in self.worlds:
            program = narrowed(self.program, dict(ranges)) if ranges else self.program
            self.worlds[ranges] = World(self.rules, self.role, program, checked=self.checked)
        return self.worlds[ranges]

    def _step(self, world: World, step: Step) -> Iterator[Miss]:
        try:
            world.commit(step.state)
        except RuleFailure as failure:
            if step.fails is None or step.fails not in str(failure):
                yield Miss(step, f"the transaction was refused: {failure}")
            return
        except Disagreement as wrong:
            yield Miss(step, f"not as from scratch: {wrong}")
            return
        if step.fails is not None:
            yield Miss(step, "the transaction should have been refused, but it was not")
            return
        if self.observe is not None:
            self.observe(world.engine)
        for expectation in step.expectations:
            missing, unexpected = expectation.compare(world.found(expectation.kind, expectation.relation))
            if missing or unexpected:
                about = expectation.key or expectation.kind
                miss = Miss(step, f"{about} is not as expected", expectation, tuple(missing), tuple(unexpected))
                reasons = self.explain(world.engine, miss) if self.explain else ()
                yield Miss(step, miss.text, expectation, miss.missing, miss.unexpected, reasons)


def run_cases(
    cases: Iterable[Case],
    observe: Callable[[Engine], None] | None = None,
    explain: Callable[[Engine, Miss], tuple[str, ...]] | None = None,
    *,
    keep_going: bool = False,
) -> Iterator[Result]:
    """Run cases, each in all its roles.

    Args:
        cases: of any files.
        observe: is shown the engine after every step.
        explain: tells why a case failed.
        keep_going: whether a case goes on after a step that isn't as it should be.

    Yields:
        A result for each case and role.
    """
    runners: dict[tuple[str, str], Runner] = {}
    for case in cases:
        for role in case.roles:
            key = (case.rules.name, role)
            if key not in runners:
                runners[key] = Runner(case.rules, role, observe=observe, explain=explain, keep_going=keep_going)
            yield runners[key].run(case)
