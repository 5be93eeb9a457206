"""Specialised Python for a plan: nested loops over looked-up facts, with nothing left to interpret.

A generated function takes the pinned facts, adds the head facts they make to a dictionary of derivation
counts, and is the only code that runs per fact. Its local variables are named after the clause's literals
(``f_2``) and variables (``v_port``), so that a failing function's frame says which facts it was looking at.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from ovn_rules.engine.functions import Function
from ovn_rules.engine.ir import (
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Const,
    Expr,
    Fact,
    Filter,
    Member,
    Program,
    Term,
    Type,
    Var,
    Wild,
)
from ovn_rules.engine.plan import HEAD, Access, Plan, Step, renames

if TYPE_CHECKING:
    from types import CodeType

    from ovn_rules.engine.functions import Read

CLASSES = {"str": str, "uuid": str, "int": int, "float": float, "bool": bool, "tuple": tuple}

Run = Callable[[Iterable[Any], dict[Fact, int], int], None]
"""A generated function: (pinned facts or keys, counts to add to, +1 or -1)."""


Doubt = Callable[[int, Exception, dict[str, Any]], None]
"""Told what an expression raised: (body position or HEAD, error, values of the variables)."""


class Budget(Protocol):
    """What a generated function may do: each method raises when it was too much, nothing that is an Exception."""

    def step(self) -> None:
        """Count a turn of a loop."""

    def each(self, items: Iterable[Any]) -> Iterable[Any]:
        """The items, each counted."""


def single(value: Any, expected: type) -> Any:
    """Check that a function gave a value of the class its annotation promises.

    Raises:
        TypeError: when it did not.
    """
    if value.__class__ is not expected:
        raise TypeError(f"expected {expected.__name__}, got {type(value).__name__} {value!r}")
    return value


class Code:
    """The source of one generated function and the objects it refers to."""

    def __init__(
        self,
        plan: Plan,
        program: Program,
        doubt: Doubt | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.plan = plan
        self.program = program
        self.doubt = doubt
        self.budget = budget
        self.lines: list[str] = []
        self.indent = 1
        self.namespace: dict[str, Any] = {}
        self.reads: dict[Read, str] = {}
        self.bound: set[str] = set()

    # -- names ---------------------------------------------------------------------------------------------

    def refer(self, prefix: str, value: Any) -> str:
        """A name in the generated function's globals for an object, the same for the same object."""
        for name, known in self.namespace.items():
            if known is value and name.startswith(prefix):
                return name
        name = f"{prefix}_{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def read(self, step: Step, relation: str) -> str:
        """A name for the table or index that a literal reads."""
        positions = step.positions if step.access is Access.INDEX else None
        return self.reads.setdefault((step.literal, relation, positions), f"t_{len(self.reads)}")

    def constant(self, value: Any) -> str:
        """Source for a constant; anything but plain scalars is captured by reference."""
        if value is None or value.__class__ in (str, int, bool):
            return repr(value)
        return self.refer("c", value)

    def expression(self, expr: Expr) -> str:
        """Source for an expression, its variables and names renamed to what they are here."""
        text, names = expression_text(expr, self.program)
        self.namespace.update(names)
        return text

    def checked(self, expr: Expr, wanted: Type | None = None) -> str:
        """Source for an expression whose class is checked when a function's annotation vouches for it."""
        text = self.expression(expr)
        kind = (wanted or expr.type).name
        if isinstance(expr.tree, ast.Call | ast.IfExp | ast.Subscript) and kind in CLASSES:
            if isinstance(expr.tree, ast.Call) and _builtin(expr.tree, expr, CLASSES[kind]):
                return text
            return f"{self.refer('single', single)}({text}, {self.refer('class', CLASSES[kind])})"
        return text

    def term(self, term: Term) -> str:
        """Source for a bound variable or a constant."""
        if isinstance(term, Const):
            return self.constant(term.value)
        assert isinstance(term, Var)  # noqa: S101 - for mypy
        return variable(term.name)

    # -- statements ----------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Add a line at the current depth."""
        self.lines.append("    " * self.indent + text)

    def loop(self, text: str) -> None:
        """Add a loop; what follows is its body."""
        self.line(text)
        self.indent += 1
        if self.budget is not None:
            self.line(f"{self.refer('step', self.budget.step)}()")

    def unless(self, condition: str) -> None:
        """Go on with the next candidate when the condition holds."""
        self.line(f"if {condition}: continue")

    def match(self, fact: str, atom: Atom, skip: Iterable[int] = ()) -> None:
        """Compare a fact with an atom's constants and bound variables, and bind the others."""
        fresh: dict[str, str] = {}
        for i, term in enumerate(atom.terms):
            if isinstance(term, Const):
                if i not in skip:
                    self.unless(f"{fact}[{i}] != {self.constant(term.value)}")
            elif isinstance(term, Var):
                name = variable(term.name)
                if term.name in fresh:
                    self.unless(f"{fact}[{i}] != {name}")
                elif term.name not in self.bound:
                    self.line(f"{name} = {fact}[{i}]")
                    fresh[term.name] = name
                elif i not in skip:
                    self.unless(f"{fact}[{i}] != {name}")
        self.bound |= set(fresh)

    def value(self, literal: int, source: str) -> str:
        """Source for what an expression gives; if doubts are wanted, one that raises gives up the candidate."""
        if self.doubt is None:
            return source
        result = f"x_{len(self.lines)}"
        known = ", ".join(f"{n!r}: {variable(n)}" for n in sorted(self.bound))
        self.line(f"try: {result} = {source}")
        self.line("except Exception as error:")
        self.line(f"    {self.refer('doubt', self.doubt)}({literal}, error, {{{known}}})")
        self.line("    continue")
        return result

    def step(self, step: Step) -> None:
        """Add one literal."""
        literal = self.plan.clause.body[step.literal]
        if isinstance(literal, Atom):
            (self.negated if literal.negated else self.joined)(step, literal)
        elif isinstance(literal, Filter):
            self.unless(f"not ({self.value(step.literal, self.expression(literal.expr))})")
        elif isinstance(literal, Bind):
            self.bind(step.literal, literal)
        else:
            self.member(step.literal, literal)

    def bind(self, position: int, literal: Bind) -> None:
        """``variable == expression``: an assignment, or a comparison when the variable has a value."""
        if literal.variable not in self.bound:
            self.line(f"{variable(literal.variable)} = {self.value(position, self.checked(literal.expr))}")
            self.bound.add(literal.variable)
        elif renames(literal) and literal.expr.variables[0] not in self.bound:
            other = literal.expr.variables[0]
            self.line(f"{variable(other)} = {variable(literal.variable)}")
            self.bound.add(other)
        else:
            found = self.value(position, self.checked(literal.expr))
            self.unless(f"{variable(literal.variable)} != ({found})")

    def member(self, position: int, literal: Member) -> None:
        """``x in expression``: a loop over the distinct elements."""
        item = f"e_{self.indent}"
        elements = self.expression(literal.expr)
        if self.budget is not None:
            elements = f"{self.refer('each', self.budget.each)}({elements})"
        items = self.value(position, f"dict.fromkeys({elements})")
        self.loop(f"for {item} in {items}:")
        parts = [(v, f"{item}[{i}]" if literal.unpack else item) for i, v in enumerate(literal.variables)]
        if literal.unpack:
            self.line(self.value(position, f"{self.refer('record', record)}({item}, {len(parts)})"))
        for name, source in parts:
            if name is None:
                continue
            if name in self.bound:
                self.unless(f"{variable(name)} != {source}")
            else:
                self.line(f"{variable(name)} = {source}")
                self.bound.add(name)

    def key(self, atom: Atom, positions: tuple[int, ...]) -> str:
        """Source for the value that an index over some positions is keyed by."""
        parts = [self.term(atom.terms[i]) for i in positions]
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

    def fact(self, atom: Atom) -> str:
        """Source for the one fact that an atom without wildcards can be."""
        return f"({''.join(self.term(t) + ', ' for t in atom.terms)})"

    def negated(self, step: Step, atom: Atom) -> None:
        """``~R(...)``: go on only when nothing matches."""
        table = self.read(step, atom.relation)
        if step.access is Access.SCAN:
            self.unless(table)
            return
        key = self.fact(atom) if step.access is Access.MEMBER else self.key(atom, step.positions)
        self.unless(f"{key} in {table}")

    def joined(self, step: Step, atom: Atom) -> None:
        """A positive atom: loop over the facts that match what is known."""
        fact = f"f_{step.literal}"
        definition = self.program.relations[atom.relation]
        table = self.read(step, atom.relation)
        if step.access is Access.INDEX:
            bucket = f"b_{step.literal}"
            key = self.key(atom, step.positions) if step.positions else "()"
            self.line(f"{bucket} = {table}.get({key})")
            self.unless(f"{bucket} is None")
            self.loop(f"for {fact} in ({bucket} if {bucket}.__class__ is dict else ({bucket},)):")
            self.match(fact, atom, skip=step.positions)
            return
        if step.access is Access.MEMBER:
            self.line(f"{fact} = {self.fact(atom)}")
            self.unless(f"{fact} not in {table}")
        elif step.access is Access.KEY:
            self.line(f"{fact} = {table}.get({self.key(atom, step.positions)})")
            self.unless(f"{fact} is None")
            self.match(fact, atom, skip=step.positions)
        else:
            values = f"{table}.values()" if definition.key is not None else table
            self.loop(f"for {fact} in {values}:")
            self.match(fact, atom)

    def start(self) -> None:
        """The loop over what is pinned."""
        clause = self.plan.clause
        if self.plan.pinned == HEAD:
            self.loop("for f_head in pinned:")
            known = tuple(t if isinstance(t, Var | Const) else Wild() for t in clause.terms)
            self.match("f_head", Atom(clause.relation, known))
            return
        if self.plan.pinned < 0:
            self.loop("for f_none in pinned:")
            return
        atom = clause.body[self.plan.pinned]
        assert isinstance(atom, Atom)  # noqa: S101 - for mypy
        if not atom.negated:
            self.loop(f"for f_{self.plan.pinned} in pinned:")
            self.match(f"f_{self.plan.pinned}", atom)
            return
        self.loop("for k_pinned in pinned:")
        places = transition_positions(atom)
        record_atom = Atom(atom.relation, tuple(atom.terms[i] for i in places))
        self.match("k_pinned", record_atom)

    def finish(self) -> None:
        """Add the head fact (for an aggregate the group and value, for allocate the group)."""
        clause = self.plan.clause
        if self.plan.pinned == HEAD:
            self.explained()
            return
        parts, last = [], None
        columns = self.program.relations[clause.relation].columns
        for column, term in zip(columns, clause.terms, strict=True):
            if isinstance(term, Aggregate):
                last = self.checked(term.value)
            elif isinstance(term, Allocate):
                continue
            else:
                parts.append(self.checked(term, column.type) if isinstance(term, Expr) else self.term(term))
        group = f"({''.join(p + ', ' for p in parts)})"
        if last is not None:
            group = f"({group}, {last})"
        self.line(f"h = {self.value(HEAD, group)}")
        self.line("counts[h] = get(h, 0) + sign")

    def explained(self) -> None:
        """Compare the computed head terms with the fact to explain; hand out the facts that were joined."""
        clause = self.plan.clause
        for i, term in enumerate(clause.terms):
            if isinstance(term, Expr):
                self.unless(f"f_head[{i}] != ({self.value(HEAD, self.expression(term))})")
        used = []
        for i, literal in enumerate(clause.body):
            used.append(f"f_{i}" if isinstance(literal, Atom) and not literal.negated else "None")
        names = ", ".join(f"{n!r}: {variable(n)}" for n in sorted(self.bound))
        self.line(f"found.append((({''.join(u + ', ' for u in used)}), {{{names}}}))")

    def build(self) -> Function:
        """The whole function."""
        explaining = self.plan.pinned == HEAD
        self.start()
        for step in self.plan.steps:
            self.step(step)
        self.finish()
        start = "def run(pinned, found):" if explaining else "def run(pinned, counts, sign):\n    get = counts.get"
        title = f"<rule {self.plan.clause.name}, {self.plan.pinned}>"
        reads = {name: read for read, name in self.reads.items()}
        return Function(title, "\n".join([start, *self.lines, ""]), self.namespace, reads)


def transition_positions(atom: Atom) -> tuple[int, ...]:
    """The positions that a negated atom's truth depends on: its constants and variables."""
    return tuple(i for i, t in enumerate(atom.terms) if isinstance(t, Var | Const))


def record(value: Any, size: int) -> None:
    """Check that an element can be taken apart into ``size`` values.

    Raises:
        TypeError: when it is no tuple of that length.
    """
    if value.__class__ is not tuple or len(value) != size:
        raise TypeError(f"expected a tuple of {size} values, got {value!r}")


def variable(name: str) -> str:
    """The local name of a logic variable."""
    return f"v_{name}"


def _builtin(call: ast.Call, expr: Expr, cls: type) -> bool:
    """Whether a call is to a builtin class or len, whose result's class needs no check."""
    return (
        isinstance(call.func, ast.Name) and call.func.id not in expr.names and (call.func.id in (cls.__name__, "len"))
    )


def expression_text(expr: Expr, program: Program) -> tuple[str, dict[str, Any]]:
    """An expression's source in generated code, and the names in it that stand for the rule module's objects."""
    known = program.texts.get(id(expr))
    if known is None or known[0] is not expr:
        names: dict[str, Any] = {}
        known = program.texts[id(expr)] = (expr, ast.unparse(_renamed(expr.tree, expr, names)), names)
    return known[1], known[2]


def _renamed(part: Any, expr: Expr, names: dict[str, Any]) -> Any:
    """A copy of a part of an expression, with the names of generated code; it notes in ``names`` what they mean."""
    if isinstance(part, list):
        return [_renamed(each, expr, names) for each in part]
    if isinstance(part, ast.Name):
        return _renamed_name(part, expr, names)
    if isinstance(part, ast.AST):
        return part.__class__(*[_renamed(getattr(part, field), expr, names) for field in part._fields])
    return part


def _renamed_name(name: ast.Name, expr: Expr, names: dict[str, Any]) -> ast.expr:
    if name.id in expr.variables or name.id == "_aggregate":
        return ast.Name(variable(name.id), name.ctx)
    if name.id not in expr.names:
        return name
    value = expr.names[name.id]
    if value.__class__ in (str, int, bool):
        return ast.Constant(value)
    names[f"g_{name.id}"] = value  # one rule's names mean one thing each
    return ast.Name(f"g_{name.id}", name.ctx)


def generate(plan: Plan, program: Program, doubt: Doubt | None = None, budget: Budget | None = None) -> Function:
    """The function of a plan.

    With ``doubt``, an expression that raises is reported there, and the function goes on. With ``budget``, each turn
    of a loop is a step.

    Returns:
        One that, for a plan pinned at HEAD, takes (facts, list) and appends (body facts, values of the variables) for
        each derivation; for any other it is a ``Run``.
    """
    return Code(plan, program, doubt, budget).build()


def compile_expression(expr: Expr, program: Program) -> Callable[[Any], Any]:
    """A one-argument function for an expression over the variable ``_aggregate``."""
    code = Code.__new__(Code)
    code.namespace = {}
    code.program = program
    source = code.expression(expr)
    names = dict(code.namespace)
    function: Callable[[Any], Any] = eval(f"lambda v__aggregate: {source}", names)  # noqa: S307 - made from a checked program
    return function


def index_functions(
    table: dict[Any, Any], positions: tuple[int, ...]
) -> tuple[Callable[[Iterable[Fact]], None], Callable[[Iterable[Fact]], None]]:
    """Functions that add facts to an index and remove them from it.

    A bucket of one fact is the fact itself; of several, a dict of them.
    """
    names: dict[str, Any] = {"table": table}
    exec(_index_code(positions), names)  # noqa: S102 - made just there
    return names["add"], names["remove"]


@cache
def _index_code(positions: tuple[int, ...]) -> CodeType:
    key = ", ".join(f"f[{i}]" for i in positions)
    if len(positions) != 1:
        key = f"({key})" if positions else "()"
    source = f"""
def add(facts):
    get = table.get
    for f in facts:
        k = {key}
        b = get(k)
        if b is None: table[k] = f
        elif b.__class__ is dict: b[f] = None
        else: table[k] = {{b: None, f: None}}

def remove(facts):
    get = table.get
    for f in facts:
        k = {key}
        b = get(k)
        if b.__class__ is dict:
            del b[f]
            if len(b) == 1: table[k] = next(iter(b))
        else: del table[k]
"""
    return compile(source, f"<index {positions}>", "exec")
