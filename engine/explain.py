"""Why a fact holds: its derivations, found again from the rules.

Nothing is stored for this. For each clause that could have made the fact, the head is unified with it and the
body is joined through the indexes that the engine keeps anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.codegen import generate
from ovn_rules.engine.ir import Atom, Clause, Const, Fact, Var
from ovn_rules.engine.plan import HEAD, Access, Lookup, make_plan
from ovn_rules.engine.store import KeyedStore

if TYPE_CHECKING:
    from ovn_rules.engine.network import Network, Rule
    from ovn_rules.engine.runtime import Engine


@dataclass(frozen=True, slots=True)
class Premise:
    """One body atom of a derivation: the fact that was joined, or for a negated atom what is absent.

    ``pattern`` has the values of the atom's positions, None where anything would do.
    """

    relation: str
    fact: Fact | None
    pattern: tuple[Any, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Derivation:
    """One way in which a clause makes a fact."""

    clause: Clause
    premises: tuple[Premise, ...]
    variables: Mapping[str, Any]


Finder = Callable[[list[Fact], list[Any]], None]


class _Enough(Exception):  # noqa: N818 - never leaves this module
    """The search has found what was asked for."""


class _First(list[Any]):
    """What a search finds first; the search is ended when there is no room for more."""

    def __init__(self, most: int | None) -> None:
        super().__init__()
        self.most = most

    def append(self, found: Any) -> None:
        super().append(found)
        if len(self) == self.most:
            raise _Enough


class Explainer:
    """Finds derivations in an engine's current state.

    Args:
        engine: its facts may change between questions.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def derivations(
        self,
        relation: str,
        fact: Fact,
        *,
        most: int | None = None,
        clauses: Callable[[Clause], bool] | None = None,
    ) -> Iterator[Derivation]:
        """The derivations of a fact, clause by clause; none for a base fact or one that doesn't hold.

        For an aggregate these are the inputs of its group, each once.

        Args:
            relation: the fact's relation.
            fact: the fact.
            most: stop looking after so many; None finds all.
            clauses: of which clauses; None for any.

        Raises:
            KeyError: for a relation that the program doesn't have.
        """
        network = self.engine.network
        if network.members[relation].store.count(fact) == 0:
            return
        for i, clause in enumerate(self.engine.program.clauses):
            if clause.relation != relation or not (clauses is None or clauses(clause)):
                continue
            if most == 0:
                return
            if _gives(network.rules[i], fact):
                found = found_by(self._finder(i, clause), fact, most)
                most = None if most is None else most - len(found)
                for facts, variables in found:
                    yield Derivation(clause, _premises(clause, facts, variables), variables)

    def total(self, relation: str, fact: Fact) -> int:
        """How many ``derivations`` finds, without finding them."""
        network = self.engine.network
        member = network.members[relation]
        for allocator in member.allocators:
            return allocator.derivations(fact)
        total = member.store.count(fact)
        for aggregator in member.aggregators:
            if aggregator.fact_of(fact) == fact:
                total += aggregator.inputs(fact) - 1
        return total

    def holds(self, relation: str, fact: Fact) -> bool:
        """Whether a fact is visible."""
        store = self.engine.network.members[relation].store
        if isinstance(store, KeyedStore):
            return store.by_key.get(store.key(fact)) == fact
        return fact in store.counts

    def _finder(self, number: int, clause: Clause) -> Finder:
        network = self.engine.network
        finder = network.finders.get(number)
        if finder is None:
            finder = network.finders[number] = compiled(network, clause)
        return finder


def _gives(rule: Rule, fact: Fact) -> bool:
    """Whether a clause with an aggregate makes this fact of its group, and not one with another value."""
    return rule.aggregator is None or rule.aggregator.fact_of(fact) == fact


def inputs(network: Network, clause: Clause, fact: Fact) -> list[tuple[str, Fact]]:
    """The (relation, fact) pairs that a clause joins to make a fact, each once.

    Args:
        network: where they are.
        clause: the clause.
        fact: the fact; in the place of an aggregate or a number anything may stand.
    """
    found = found_by(compiled(network, clause), fact)
    atoms = [(i, lit.relation) for i, lit in enumerate(clause.body) if isinstance(lit, Atom) and not lit.negated]
    return list(dict.fromkeys((name, facts[i]) for facts, _ in found for i, name in atoms))


def compiled(network: Network, clause: Clause, pinned: int = HEAD) -> Callable[..., None]:
    """The function that joins a clause's body over what the engine has anyway; what raises derives nothing.

    Args:
        network: where the facts are.
        clause: the clause.
        pinned: what is given, as for ``make_plan``.
    """
    plan = make_plan(clause, pinned, existing_lookup(network))
    return generate(plan, network.program, _ignored).link(Existing(network))


def found_by(finder: Finder, fact: Fact, most: int | None = None) -> list[Any]:
    """What a function with its head given finds for a fact: (body facts, values of the variables) of each derivation.

    Args:
        finder: the function.
        fact: the head's fact.
        most: stop looking after so many; None finds all.
    """
    found = _First(most)
    with suppress(_Enough):
        finder([fact], found)
    return found


def _ignored(_literal: int, _error: Exception, _values: Mapping[str, Any]) -> None:
    """What raises derives nothing; it was no failure when the facts were given."""


def _premises(clause: Clause, facts: tuple[Fact | None, ...], variables: Mapping[str, Any]) -> tuple[Premise, ...]:
    premises = []
    for literal, fact in zip(clause.body, facts, strict=True):
        if isinstance(literal, Atom):
            pattern = tuple(
                t.value if isinstance(t, Const) else variables.get(t.name) if isinstance(t, Var) else None
                for t in literal.terms
            )
            premises.append(Premise(literal.relation, fact, pattern, literal.negated))
    return tuple(premises)


def existing_lookup(network: Network) -> Lookup:
    """Chooses among the accesses that the engine has anyway: no index is made for a question."""

    def lookup(_position: int, atom: Atom, bound: tuple[int, ...]) -> tuple[Access, tuple[int, ...]]:
        member = network.members[atom.relation]
        key = member.store.definition.key
        if key is not None and set(key) <= set(bound):
            if not atom.negated or set(key) == set(bound):
                return Access.KEY, key
        elif key is None and len(bound) == len(atom.terms):
            return Access.MEMBER, bound
        usable = [p for p in member.outer.indexes if p and set(p) <= set(bound)]
        if atom.negated:
            usable = [p for p in usable if set(p) == set(bound)]
        if usable:
            return Access.INDEX, max(usable, key=len)
        return Access.SCAN, ()

    return lookup


class Existing:
    """Where the functions of questions find what they look up: in what is there anyway."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def table(self, _literal: int, relation: str) -> dict[Any, Any]:
        """The visible facts."""
        return self.network.members[relation].store.table

    def index(self, _literal: int, relation: str, positions: tuple[int, ...]) -> dict[Any, Any]:
        """An index that the engine keeps."""
        return self.network.members[relation].outer.indexes[positions].table
