"""The wiring of a program: which generated function wakes up for which relation, and what it reads.

A *node* is one point in the order of evaluation where a relation's change is shown to its consumers. A
recursive relation has two: the inner one for the clauses of its own stratum, which run to a fixpoint, and the
outer one for everybody else, which sees the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.codegen import compile_expression, generate, transition_positions
from ovn_rules.engine.doubts import Doubts
from ovn_rules.engine.groups import Aggregator
from ovn_rules.engine.ir import Aggregate, Allocate, Atom, Clause, Program
from ovn_rules.engine.numbering import Allocator
from ovn_rules.engine.plan import NOTHING, Lookup, default_lookup, make_plan
from ovn_rules.engine.store import Counts, Index, Store, key_function, make_store
from ovn_rules.engine.strata import strata

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing(*_args: object) -> None:
    raise AssertionError("a consumer runs before it is compiled")


@dataclass(slots=True)
class Rule:
    """A clause at work: its number in the program, where its derivations go, and what it has cost.

    ``tolerant`` once a function has raised: what raises from then on is noted, to be judged at the end.
    """

    clause: Clause
    number: int
    target: str
    aggregator: Aggregator | None = None
    allocator: Allocator | None = None
    recursive: bool = False
    tolerant: bool = False
    calls: int = 0
    nanoseconds: int = 0


@dataclass(slots=True)
class Consumer:
    """One body atom of a clause, woken by changes of its relation.

    Attributes:
        rule: the clause.
        literal: the atom's position in the body.
        mask: bits of the columns that the atom names; a change of others doesn't wake it.
        run: the generated function.
        transition: for a negated atom, the function from a fact to what the atom's truth depends on.
        index: for a negated atom, the index that says whether such facts exist; None when the whole fact or
            the key decides.
    """

    rule: Rule
    literal: int
    mask: int
    run: Callable[..., None] = _nothing
    transition: Callable[[Any], Any] | None = None
    bare: bool = False
    index: Index | None = None


@dataclass(slots=True)
class Node:
    """A relation's consumers and the indexes that they and others read.

    ``before`` run before the indexes take the change, ``after`` afterwards, ``negations`` on the transitions
    in between; ``late`` indexes take it last, for the middle of a self-join. ``allocators`` give the numbers that
    the relation says are wanted.
    """

    relation: str
    before: list[Consumer] = field(default_factory=list)
    after: list[Consumer] = field(default_factory=list)
    negations: list[Consumer] = field(default_factory=list)
    indexes: dict[tuple[int, ...], Index] = field(default_factory=dict)
    late: dict[tuple[int, ...], Index] = field(default_factory=dict)
    allocators: list[Allocator] = field(default_factory=list)

    def consumers(self) -> list[Consumer]:
        """All of them."""
        return [*self.before, *self.after, *self.negations]


@dataclass(slots=True)
class Member:
    """A relation in its stratum."""

    name: str
    store: Store
    outer: Node
    inner: Node | None
    pending: Counts = field(default_factory=dict)
    lost: Counts = field(default_factory=dict)
    aggregators: list[Aggregator] = field(default_factory=list)
    allocators: list[Allocator] = field(default_factory=list)

    @property
    def recursive(self) -> bool:
        """Whether the relation depends on itself."""
        return self.inner is not None


class Network:
    """All relations, rules and generated functions of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.strata = strata(program)
        self.rank: dict[str, int] = {}
        self.members: dict[str, Member] = {}
        for i, stratum in enumerate(self.strata):
            for name in stratum.relations:
                self.rank[name] = i
                self.members[name] = Member(
                    name,
                    make_store(program.relations[name]),
                    Node(name),
                    Node(name) if stratum.recursive else None,
                )
        self.rules: list[Rule] = []
        self.seeds: list[Consumer] = []
        self.finders: dict[int, Callable[..., None]] = {}
        """Functions that find a clause's derivations again, compiled when they are first asked for (explain.py)."""
        self.allocators: dict[str, Allocator] = {}
        self.doubts = Doubts(self)
        for clause in program.clauses:
            self._add(clause)

    # -- building ------------------------------------------------------------------------------------------

    def _add(self, clause: Clause) -> None:
        target = self.members[clause.relation]
        rule = Rule(clause, len(self.rules), clause.relation, recursive=target.recursive)
        for i, term in enumerate(clause.terms):
            if isinstance(term, Aggregate):
                wrap = compile_expression(term.wrap, self.program) if term.wrap is not None else None
                rule.aggregator = Aggregator(term, i, wrap)
                target.aggregators.append(rule.aggregator)
            elif isinstance(term, Allocate):
                rule.allocator = self._allocator(clause.relation, term, i)
        self.rules.append(rule)
        atoms = [(i, lit) for i, lit in enumerate(clause.body) if isinstance(lit, Atom)]
        for literal, atom in atoms:
            self._consume(rule, literal, atom)
        if all(atom.negated for _, atom in atoms):
            seed = Consumer(rule, NOTHING, 0)
            self._compile(seed)
            self.seeds.append(seed)

    def _allocator(self, relation: str, term: Allocate, position: int) -> Allocator:
        known = self.allocators.get(relation)
        if known is None:
            hints, wanted = self._numbers(term.hints), self._numbers(term.wanted)
            known = self.allocators[relation] = Allocator(relation, term, position, hints, wanted)
            self.members[relation].allocators.append(known)
            if term.wanted is not None:
                self.members[term.wanted].outer.allocators.append(known)
        return known

    def _numbers(self, relation: str | None) -> Index | None:
        """Facts that say numbers, by their groups."""
        if relation is None:
            return None
        width = len(self.program.relations[relation].columns)
        return self.index(self.members[relation].outer, tuple(range(width - 1)))

    def _consume(self, rule: Rule, literal: int, atom: Atom) -> None:
        inner = self._inside(rule.clause, atom.relation)
        member = self.members[atom.relation]
        node = member.inner if inner and member.inner is not None else member.outer
        order = self._occurrences(rule.clause, atom.relation)
        consumer = Consumer(rule, literal, _mask(atom))
        self._compile(consumer)
        if atom.negated:
            self._watch(consumer, atom, node, forced=member.recursive or len(order) > 1)
            node.negations.append(consumer)
        elif order[0] == literal:
            node.before.append(consumer)
        else:
            node.after.append(consumer)

    def _watch(self, consumer: Consumer, atom: Atom, node: Node, *, forced: bool) -> None:
        places = transition_positions(atom)
        definition = self.program.relations[atom.relation]
        key = definition.key
        direct = set(places) == set(key) if key is not None else len(places) == len(atom.terms)
        consumer.transition = key_function(places)
        consumer.bare = len(places) == 1
        if forced or not direct:
            consumer.index = self.index(node, places)

    def _compile(self, consumer: Consumer) -> None:
        """Make a consumer's function; what is the same in every engine of the program is made once."""
        rule, literal = consumer.rule, consumer.literal
        known = self.program.functions
        function = None if rule.tolerant else known.get((rule.number, literal))
        if function is None:
            plan = make_plan(rule.clause, literal, self.lookup(rule.clause))
            doubt = partial(self.doubts.note, rule.clause) if rule.tolerant else None
            function = generate(plan, self.program, doubt)
            if not rule.tolerant:
                known[rule.number, literal] = function
        consumer.run = function.link(_Sources(self, rule.clause, literal))

    def tolerate(self, rule: Rule) -> None:
        """Generate a rule's functions anew, to go on when an expression raises and note it as a doubt."""
        rule.tolerant = True
        nodes = [n for m in self.members.values() for n in (m.inner, m.outer) if n is not None]
        for consumer in (*self.seeds, *(c for n in nodes for c in n.consumers())):
            if consumer.rule is rule:
                self._compile(consumer)

    # -- what generated code reads -------------------------------------------------------------------------

    def index(self, node: Node, positions: tuple[int, ...], *, late: bool = False) -> Index:
        """The node's index over some positions, made (and filled) when it is first asked for."""
        indexes = node.late if late else node.indexes
        known = indexes.get(positions)
        if known is None:
            known = indexes[positions] = Index(node.relation, positions)
            known.add(self.members[node.relation].store.visible())
        return known

    def _inside(self, clause: Clause, relation: str) -> bool:
        """Whether the clause derives a relation of the same recursive stratum."""
        member = self.members[relation]
        return member.recursive and self.rank[clause.relation] == self.rank[relation]

    def _occurrences(self, clause: Clause, relation: str) -> list[int]:
        """Body positions of a relation's atoms in the order they are shown a change; negated ones last."""
        atoms = [(a.negated, i) for i, a in enumerate(clause.body) if isinstance(a, Atom) and a.relation == relation]
        return [i for _, i in sorted(atoms)]

    def forced(self, clause: Clause, literal: int) -> bool:
        """Whether an atom must be read through an index because its table is updated at another time."""
        atom = clause.body[literal]
        assert isinstance(atom, Atom)  # noqa: S101 - for mypy
        return self.members[atom.relation].recursive or len(self._occurrences(clause, atom.relation)) > 1

    def lookup(self, clause: Clause) -> Lookup:
        """How the atoms of a clause are looked up."""
        return default_lookup(self.program, lambda literal: self.forced(clause, literal))

    def source_index(self, clause: Clause, pinned: int, literal: int, positions: tuple[int, ...]) -> Index:
        """The index that a plan pinned at one literal reads for another."""
        atom = clause.body[literal]
        assert isinstance(atom, Atom)  # noqa: S101 - for mypy
        member = self.members[atom.relation]
        node = member.inner if self._inside(clause, atom.relation) and member.inner else member.outer
        late = False
        if pinned >= 0:
            other = clause.body[pinned]
            if isinstance(other, Atom) and other.relation == atom.relation:
                order = self._occurrences(clause, atom.relation)
                first = order[0] == pinned and not other.negated
                late = not first and order.index(literal) > order.index(pinned)
        return self.index(node, positions, late=late)


class _Sources:
    """What the functions of one clause read."""

    def __init__(self, network: Network, clause: Clause, pinned: int = NOTHING) -> None:
        self.network = network
        self.clause = clause
        self.pinned = pinned

    def table(self, _literal: int, relation: str) -> dict[Any, Any]:
        return self.network.members[relation].store.table

    def index(self, literal: int, _relation: str, positions: tuple[int, ...]) -> dict[Any, Any]:
        return self.network.source_index(self.clause, self.pinned, literal, positions).table


def _mask(atom: Atom) -> int:
    return sum(1 << i for i in transition_positions(atom))
