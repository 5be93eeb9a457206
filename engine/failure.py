"""What a failing function in a rule leaves behind: an error, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovn_rules.engine.ir import Clause, Fact


_MOST = 8
"""Facts named in the message."""


class RuleFailure(Exception):  # noqa: N818 - it is the rule that failed, the transaction was refused
    """A Python function in a rule raised; the transaction was rolled back.

    Attributes:
        clause: the clause whose function raised.
        facts: (relation, fact) pairs that the clause was joining.
        error: what was raised.
    """

    def __init__(self, clause: Clause, facts: Sequence[tuple[str, Fact]], error: Exception) -> None:
        where = f" ({clause.location.file}:{clause.location.line})" if clause.location else ""
        shown = ", ".join(f"{name}{fact!r}" for name, fact in facts[:_MOST]) or "no facts"
        if len(facts) > _MOST:
            shown += f" and {len(facts) - _MOST} more"
        super().__init__(f"rule {clause.name}{where} failed on {shown}: {type(error).__name__}: {error}")
        self.clause = clause
        self.facts = tuple(facts)
        self.error = error
