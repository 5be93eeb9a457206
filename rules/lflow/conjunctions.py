"""From clauses to flows: multiplied out where that is cheap, conjunctive matches where it is not.

Conjunctive matches are described in ovs-fields(7), "Conjunctive Match Fields": n flows sets, one a clause, say
``conjunction(ID, k/n)``; a packet that is in one flow of every set goes on to the flow that matches ``conj_id=ID``.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from ovn_rules.rules.lflow.cubes import EVERYTHING, LIMIT, Cube, Work, too_many
from ovn_rules.rules.lflow.fields import FIELDS
from ovn_rules.rules.lflow.matches import settled
from ovn_rules.rules.lflow.normal import Clause, Setting, alternatives

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.expressions import Expression

PLAIN = 16
"""The most flows that clauses are multiplied out to when a conjunctive match needs fewer."""

DIMENSIONS = 64
"""The most clauses that Open vSwitch takes in one conjunctive match."""

CONTEXTS = 16
"""The most combinations of protocols that one conjunctive match is made for."""

WORTHWHILE = 1024
"""Clauses are multiplied out up to here, to see whether few flows remain at the end."""

PROTOCOL = FIELDS["dl_type"].mask | FIELDS["nw_proto"].mask


class Part(NamedTuple):
    """A flow's share in a conjunctive match: clause ``k`` (from 0) of ``n``, of the match with that ``number``."""

    number: int
    k: int
    n: int


class Flow(NamedTuple):
    """One OpenFlow match and what it is for.

    ``parts`` is empty for a flow that carries out the row's actions; ``number`` is then the number of the conjunctive
    match it ends, None for a plain flow.
    """

    cube: Cube
    parts: tuple[Part, ...] = ()
    number: int | None = None


def flows(expression: Expression, setting: Setting, conjunctive: bool = True) -> list[Flow]:
    """The flows that together match what the expression does.

    Conjunctive matches are numbered from 0. Without ``conjunctive`` everything is multiplied out.

    Raises:
        TooManyFlowsError: they would be too many.
    """
    work = Work(setting.table.maskable)
    plain: list[Cube] = []
    dimensioned: list[tuple[list[Cube], list[Clause]]] = []
    for alternative in alternatives(expression, setting, work):
        clauses = [_settled(clause) for clause in alternative]
        found = _multiplied(clauses, work, conjunctive)
        if found is None:
            dimensioned.append(_dimensions(clauses, work))
        else:
            plain += found
        if len(plain) > LIMIT:
            raise too_many()
    plain = _settled(work.minimize(plain))
    out = [Flow(cube) for cube in plain]
    return out + _conjunctive(dimensioned, plain) if dimensioned else out


def _settled(cubes: list[Cube]) -> list[Cube]:
    return list(dict.fromkeys(each for cube in cubes for each in settled(cube)))


def _multiplied(clauses: list[Clause], work: Work, conjunctive: bool) -> list[Cube] | None:
    """The clauses multiplied out; None where a conjunctive match needs fewer flows."""
    wide = [len(c) for c in clauses if len(c) > 1]
    if conjunctive and len(wide) > 1 and prod(wide) > PLAIN:
        contexts, dimensions = _dimensions(clauses, work)
        if not contexts:
            return []
        needed = sum(map(len, dimensions)) + len(contexts)
        if len(dimensions) > 1 and len(contexts) <= CONTEXTS:
            out = work.multiplied_below(clauses, WORTHWHILE)
            return out if out is not None and len(_settled(out)) <= max(PLAIN, needed) else None
    return work.multiplied(clauses)


def _dimensions(clauses: list[Clause], work: Work) -> tuple[list[Cube], list[Clause]]:
    """What the clauses have in common, for each combination of protocols, and the clauses within that.

    With one combination every flow says it, as in OVN; with several only the flows that end the match do, since to
    repeat a clause for each would be more flows.
    """
    common = [EVERYTHING]
    for clause in clauses:
        if len(clause) == 1:
            common = work.product(common, clause)
    wide = [clause for clause in clauses if len(clause) > 1]
    contexts = common
    for clause in wide:
        protocols = list(dict.fromkeys((v & PROTOCOL, m & PROTOCOL) for v, m in clause))
        if len(protocols) <= CONTEXTS and len(contexts) <= CONTEXTS:
            contexts = work.minimize(work.product(contexts, protocols))
    if len(contexts) == 1:
        common = contexts
    dimensions = [work.minimize(work.product(_possible(clause, contexts), common)) for clause in wide]
    dimensions.sort(key=len, reverse=True)
    while len(dimensions) > DIMENSIONS:
        two = work.product(dimensions.pop(), dimensions.pop())
        dimensions.insert(0, work.minimize(two))
    if sum(map(len, dimensions)) > LIMIT:
        raise too_many()
    return contexts, dimensions


def _possible(clause: Clause, contexts: list[Cube]) -> Clause:
    """The cubes that agree with one of the contexts at least."""
    return [(v, m) for v, m in clause if any(not (v ^ value) & m & mask for value, mask in contexts)]


def _conjunctive(dimensioned: list[tuple[list[Cube], list[Clause]]], plain: list[Cube]) -> list[Flow]:
    """The flows of conjunctive matches; where two share a match, one flow takes part in both."""
    parts: dict[Cube, list[Part]] = {}
    ends: list[Flow] = []
    for index, (contexts, dimensions) in enumerate(dimensioned):
        for k, dimension in enumerate(dimensions):
            for cube in _settled(dimension):
                parts.setdefault(cube, []).append(Part(index, k, len(dimensions)))
        ends += [Flow(cube, number=index) for cube in _settled(contexts)]
    if len(parts) > LIMIT:
        raise too_many()
    taken = set(plain)
    shared = [Flow(cube, tuple(shares)) for cube, shares in parts.items() if cube not in taken]
    return shared + ends
