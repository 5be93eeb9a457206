"""What would be: a transaction that is taken back, exactly, when its consequences have been looked at.

Every step of a transaction notes how to undo it, for the case that a rule fails. A supposition keeps these notes
when the transaction has succeeded, and carries them out when it ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ovn_rules.engine.groups import Undo
    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.runtime import Changes, Engine


@contextmanager
def supposing(
    engine: Engine,
    changes: Mapping[str, tuple[Iterable[Fact], Iterable[Fact]]],
    withdrawn: Mapping[str, Iterable[Fact]],
) -> Iterator[Changes]:
    """See ``Engine.supposing``, which calls this."""
    given = {name: list(facts) for name, facts in withdrawn.items()}
    engine.check(given)
    before = engine.withdrawn
    transactions = engine.transactions
    costs = [(rule, rule.calls, rule.nanoseconds) for rule in engine.network.rules]
    undo: list[Undo] = []
    engine.suppositions.append(undo)
    engine.withdrawn = {**before, **{name: before.get(name, frozenset()).union(facts) for name, facts in given.items()}}
    try:
        yield engine.transact(changes)
    finally:
        if engine.suppositions[-1] is not undo:
            raise RuntimeError("a supposition that began later has not ended yet")
        engine.suppositions.pop()
        engine.withdrawn = before
        for step in reversed(undo):
            step()
        engine.transactions = transactions
        for rule, calls, nanoseconds in costs:
            rule.calls, rule.nanoseconds = calls, nanoseconds
