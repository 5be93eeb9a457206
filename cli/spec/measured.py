"""What specs say of rules, in figures: coverage and mutation score, with what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.cli.rule_source import rule_place
from ovn_rules.engine.literals import literal_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.cli.spec.mutation import Score
    from ovn_rules.engine.coverage import Coverage


def coverage_text(coverage: Coverage) -> Iterator[str]:
    """Lines about the rules' heads and literals: what was never derived or reached, then the figures.

    Args:
        coverage: what was observed.
    """
    for covered in coverage.gaps():
        yield f"{rule_place(covered.clause)}: rule {covered.clause.name}: its head was never derived"
        for position in covered.unreached:
            yield f"    never reached: {literal_text(covered.program, covered.clause.body[position])}"
    heads = [c.derived for c in coverage.clauses.values()]
    reached = sum(c.reached for c in coverage.clauses.values())
    literals = sum(len(c.clause.body) for c in coverage.clauses.values())
    yield (
        f"coverage {coverage.percent():.1f} %: {sum(heads)} of {len(heads)} heads derived, "
        f"{reached} of {literals} literals reached"
    )


def mutation_text(score: Score) -> Iterator[str]:
    """Lines about mutants: those that survive, those that are explained, then the figures.

    Args:
        score: what became of them.
    """
    for mutant in score.survivors:
        yield f"{rule_place(mutant.clause)}: survives: {mutant.name}"
    for name, why in score.explained.items():
        yield f"explained: {name}\n    {' '.join(why.split())}"
    for name in score.stale:
        yield f"explained, but killed or no mutant any more: {name}"
    yield (
        f"mutation score {score.percent():.1f} %: {score.killed} of {score.mutants} mutants killed, "
        f"{len(score.explained)} explained, {len(score.survivors)} survive"
    )
