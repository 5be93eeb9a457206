"""Whatever a rule says, loading it gives a program or a LoadError that can be shown."""

import random
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rule_files import Files

from ovn_rules.engine import LoadError, load
from ovn_rules.engine.ir import Atom, Bind, Filter, Member

NAMES = """a b c n _ _x Link Place Tags nb nb.Port nb.Port.macs nb.Port.options shout words is_high PRIORITY TABLES
    count collect allocate every max len missing nb.Missing pure rule random time.time str None __name__"""
LEAVES = "a | b | n | _ | 1 | 2.5 | 'x' | f'{a}' | True | None | () | (a, b) | [a] | {} | ... | b'y'"
FORMS = """
    Link({0}, {1}) ; ~Link({0}, {1}) ; Place({0}, floor={1}) ; every({0}) ; ({0} & {1}) ; ({0} == {1})
    ({0} in {1}) ; ({0} not in {1}) ; ({0} < {1} < {2}) ; {0} & {1} > {2} ; ({0} and {1}) ; (not {0})
    (lambda: {0})() ; ({0} if {1} else {2}) ; {3}({0}) ; {3}({0}, {1}) ; {3}(x={0}) ; {3}(*{0}) ; {3}(**{0})
    ({0}).lower() ; ({0}).missing({1}) ; ({0}).missing ; ({0})[{1}] ; ({0})[{1}:{2}] ; ({0} + {1})
    ({0} % {1}) ; (-{0}) ; (~{0}) ; tuple(c for c in {0}) ; [x for x in {0} if {1}] ; {{x: 1 for x in {0}}}
    (w := {0}) ; f'{{{0}!r:>{{n}}}}' ; ({0} | {1}) ; (({0}, {1}) in {2}) ; collect({0}) ; min({0})
    count({0}) ; allocate({0}, {1}) ; allocate(1, 9, {3}) ; nb.Port(macs={0}) ; nb.Port.options({0}, key={1})
    shout({0}) ; words({0}) ; is_high({0}) ; (yield {0}) ; (({0}), *{1}) ; ({0}, )
"""
STATEMENTS = """
    {0} <= {1} ; {0} ; Reach({0}, {1}) <= {2} ; Place({0}, {1}) <= {2} ; Tags({0}, {1}) <= ({2}) ; x = {0}
    Reach({0}, {1}) ; {0} <= {1} <= {2} ; return {0} ; for i in {0}: {1} ; {0} < {1} ; Level({0}, {1}) <= {2}
    Weight('x', {0}) <= {1} ; Owner({0}, {1}) <= nb.Port({0}, {1}) & {2}
"""


TEXTS = """
    a ; b ; shout({0}) ; f'{{{0}}}-{{n}}' ; {0} + 'x' ; {0}.lower() ; words({0})[0] ; str({1}) ; _x
    ({0} if {2} else 'y')
"""
NUMBERS = "n ; len({0}) ; {1} + 1 ; PRIORITY ; max({1}, 2) ; sum(len(w) for w in c) ; TABLES['out']"
TRUTHS = "{1} > 3 ; is_high({1}) ; {0} in c ; {0} != 'z'"
LITERALS = """
    ({0} == {3}) ; ({1} == {4}) ; ({1} < {4}) ; ~Place({0}, {1}) ; Link({0}, {3}) ; Place({0}, {1}) ; is_high({1})
    (_x in words({0})) ; ((_x, _) in [({0}, {1})]) ; (_x == {0}) ; ({0} not in c) ; ~is_high({1}) ; (a in c)
    (({0}, {1}) in zip(c, [1])) ; nb.Port(name={0}) ; ~Tags({0}, c) ; every(Place(_x, {1})) ; Link(_, {0})
"""


def forms(text):
    """The forms of a text, each between semicolons or line ends."""
    return [f.strip() for line in text.strip().splitlines() for f in line.split(" ; ")]


def sources(seed):
    """Statements of one rule, drawn from the forms above."""
    draw = random.Random(seed)  # noqa: S311 - test data

    def expression(depth):
        if depth == 0 or draw.random() < 0.15:
            return draw.choice(LEAVES.split(" | ") + NAMES.split())
        parts = [expression(depth - 1) for _ in range(3)]
        return draw.choice(forms(FORMS)).format(*parts, draw.choice(NAMES.split()))

    def typed(depth):
        if depth == 0:
            return "a", "n", "a == b"
        parts = [*typed(depth - 1), *typed(depth - 1)]
        return tuple(draw.choice(forms(kind)).format(*parts) for kind in (TEXTS, NUMBERS, TRUTHS))

    def plausible():
        known = ["Link(a, b)", "Place(a, n)", "Tags(b, c)", "(n >= 0)", "(a not in c)"]
        literals = []
        for _ in range(draw.randint(0, 4)):
            first, second = typed(draw.randint(0, 2)), typed(draw.randint(0, 2))
            literals.append(draw.choice(forms(LITERALS)).format(*first, *second))
        body = draw.sample(known + literals, len(known + literals))
        return f"Reach(a, b) <= {' & '.join(body)}"

    if draw.random() < 0.5:
        return [plausible()]
    count = draw.randint(1, 3)
    return [
        draw.choice(forms(STATEMENTS)).format(*(expression(draw.randint(0, 3)) for _ in range(3))) for _ in range(count)
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder to write rules in."""
    with pytest.MonkeyPatch.context() as patch:
        yield Files(tmp_path_factory.mktemp("fuzz"), patch)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
@example(0)
def test_nothing_but_load_errors(files, seed):
    """No rule makes the front end fail in another way, and what is accepted is whole."""
    kept = []
    for statement in sources(seed):
        try:
            compile(f"def f():\n    {statement}\n", "x", "exec")
        except (SyntaxError, ValueError):
            continue
        kept.append(statement)
    text = "".join(f"    {s}\n" for s in kept or ["Reach('x', 'y')"])
    module = files.module(f"@rule\ndef fuzzed(a, b, c, n, _x):\n{text}")
    program, problems = None, []
    try:
        program = load(module)
    except LoadError as e:
        problems = e.problems
    finally:
        del sys.modules[module.__name__]
    if program is None:
        assert all(p.location is not None and str(p) for p in problems)
        return
    for clause in program.clauses:
        check_whole(program, clause)


def check_whole(program, clause):
    """A clause fits its relations, and every variable gets a value."""
    assert len(clause.terms) == len(program.relations[clause.relation].columns)
    bound = set()
    for literal in clause.body:
        if isinstance(literal, Atom):
            assert len(literal.terms) == len(program.relations[literal.relation].columns)
            if not literal.negated:
                bound |= {t.name for t in literal.terms if hasattr(t, "name")}
    for _ in clause.body:
        for literal in clause.body:
            if isinstance(literal, Bind | Member) and set(literal.expr.variables) <= bound:
                bound |= {literal.variable} if isinstance(literal, Bind) else {*literal.variables} - {None}
    for literal in clause.body:
        if isinstance(literal, Filter | Bind | Member):
            assert set(literal.expr.variables) <= bound
