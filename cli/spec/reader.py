"""A spec file, read and checked: its head, its cases, and the state of all rows after each step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.spec.calls import argument
from ovn_rules.cli.spec.document import Mistakes, Node, SpecError, as_text, fill, parse
from ovn_rules.cli.spec.expectations import KINDS, Expectation, ExpectationReader
from ovn_rules.cli.spec.facts import table_lines
from ovn_rules.cli.spec.programs import Rules, rules_of
from ovn_rules.cli.spec.rows import RowReader, State
from ovn_rules.cli.spec.templates import Template, Templates, Values, read_templates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path


HEAD = ("subject", "about", "program", "roles", "use", "templates", "given", "cases")
CASE = ("name", "about", "roles", "parameters", "ranges", "given", "steps", "fails", *KINDS)
STEP = ("name", "insert", "delete", "change", "fails", *KINDS)


@dataclass(frozen=True)
class Step:
    """One transaction and what must be so after it.

    Attributes:
        line: where it begins.
        name: what it does, where the file says so.
        state: all rows and facts after it.
        expectations: what must be so.
        fails: what the error says when the transaction must be refused; None when it mustn't.
    """

    line: int
    name: str
    state: State
    expectations: tuple[Expectation, ...]
    fails: str | None = None


@dataclass(frozen=True)
class Case:
    """A case of a file, with the values of its parameters put in.

    Attributes:
        file: where it stands.
        line: where it begins.
        name: the promise.
        values: the parameters' values, as they are written; empty without parameters.
        roles: those that it runs in.
        rules: the program.
        steps: what is given, then every step.
        ranges: relation → least and greatest number that its ``allocate`` gives, where not its own.
    """

    file: Path
    line: int
    name: str
    values: tuple[str, ...]
    roles: tuple[str, ...]
    rules: Rules
    steps: tuple[Step, ...]
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The promise, and the parameters' values where it doesn't name them."""
        left = [v for v in self.values if v not in self.name]
        return f"{self.name} [{', '.join(left)}]" if left else self.name


@dataclass(frozen=True)
class SpecFile:
    """A file of cases.

    Attributes:
        path: where it is.
        subject: what it is about, in a word or two.
        about: more about it, in Markdown.
        rules: the program.
        roles: those that its cases run in.
        cases: one for each row of parameters.
        uses: its files of templates.
        node: all of it as it is written.
        text: the file's text.
    """

    path: Path
    subject: str
    about: str
    rules: Rules
    roles: tuple[str, ...]
    cases: tuple[Case, ...]
    uses: tuple[Path, ...]
    node: Node
    text: str


def read_spec(path: Path) -> SpecFile:
    """A spec file.

    Args:
        path: where it is.

    Raises:
        SpecError: it has mistakes; one line for each.
        OSError: it can't be read.
    """
    text = read_text(path)
    mistakes = Mistakes(str(path))
    node = parse(text, str(path))
    head = entries(node, HEAD, "a spec file", mistakes)
    for needed in ("subject", "program", "cases"):
        if needed not in head and node.kind == "mapping":
            mistakes.add(1, f"{needed} is missing")
    mistakes.raise_any()
    rules = _rules(path, head["program"], mistakes)
    roles = _roles(head["roles"], rules, mistakes) if "roles" in head else ("everything",)
    mistakes.raise_any()
    templates: dict[str, Template] = {}
    uses = tuple(path.parent / used.text for used in listed(head.get("use")))
    for used in listed(head.get("use")):
        templates |= _templates_of(path, used, mistakes)
    templates |= read_templates(head.get("templates"), mistakes)
    reader = _CaseReader(path, rules, roles, templates, head.get("given"), mistakes)
    cases = tuple(reader.cases(head["cases"]))
    mistakes.raise_any()
    about = head["about"].text.strip() if "about" in head else ""
    return SpecFile(path, head["subject"].text, about, rules, roles, cases, uses, node, text)


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        SpecError: it isn't text.
        OSError: it can't be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError([f"{path}:1: not text: {error.reason} at byte {error.start}"]) from None


def entries(node: Node, known: Collection[str], what: str, mistakes: Mistakes) -> dict[str, Node]:
    """A mapping's values by key; keys that aren't known are mistakes."""
    if node.kind != "mapping":
        mistakes.add(node.line, f"{what} is a mapping with {', '.join(known)}, not {node.named}")
        return {}
    for key, _ in node.pairs:
        if key.text not in known:
            mistakes.unknown(key.line, f"key of {what}", key.text, known)
    return {key.text: value for key, value in node.pairs}


def listed(node: Node | None) -> tuple[Node, ...]:
    """One value, or those of a list."""
    if node is None or node.empty:
        return ()
    return node.items if node.kind == "list" else (node,)


def _rules(path: Path, node: Node, mistakes: Mistakes) -> Rules:
    name = str(path.parent / node.text) if node.text.endswith(".py") else node.text
    try:
        return rules_of(name)
    except Failure as error:
        mistakes.add(node.line, error.format_message())
        mistakes.raise_any()
        raise


def _roles(node: Node, rules: Rules, mistakes: Mistakes) -> tuple[str, ...]:
    for each in listed(node):
        if each.text not in rules.loaders:
            mistakes.unknown(each.line, "role", each.text, rules.loaders)
    if not listed(node):
        mistakes.add(node.line, "there is no role to run in")
    return tuple(each.text for each in listed(node))


def _templates_of(path: Path, used: Node, mistakes: Mistakes) -> dict[str, Template]:
    other = path.parent / used.text
    try:
        text = read_text(other)
    except OSError as error:
        mistakes.add(used.line, f"{used.text}: {error.strerror}")
        return {}
    inner = Mistakes(str(other))
    head = entries(parse(text, str(other)), ("about", "templates"), "a file of templates", inner)
    found = read_templates(head.get("templates"), inner)
    inner.raise_any()
    return found


class _CaseReader:
    def __init__(
        self,
        path: Path,
        rules: Rules,
        roles: tuple[str, ...],
        templates: Templates,
        given: Node | None,
        mistakes: Mistakes,
    ) -> None:
        self.path = path
        self.rules = rules
        self.roles = roles
        self.templates = templates
        self.given = given
        self.mistakes = mistakes
        self.names: dict[str, int] = {}

    def cases(self, node: Node) -> Iterator[Case]:
        """Every case, once for each row of its parameters."""
        if node.empty:
            self.mistakes.add(node.line, "there are no cases")
        elif node.kind != "list":
            self.mistakes.add(node.line, f"cases are a list, not {node.named}")
        for item in node.items:
            case = entries(item, CASE, "a case", self.mistakes)
            if not case:
                continue
            if "name" not in case:
                self.mistakes.add(item.line, "the case has no name")
                continue
            name = case["name"]
            if (first := self.names.setdefault(name.text, name.line)) != name.line:
                self.mistakes.add(name.line, f"a case of this name stands in line {first} already")
            yield from self._each(item, case)

    def _each(self, item: Node, case: dict[str, Node]) -> Iterator[Case]:
        rows = list(self._parameters(case["parameters"])) if "parameters" in case else [{}]
        rest = replace(item, pairs=tuple((k, v) for k, v in item.pairs if k.text != "parameters"))
        used: set[str] = set()
        for values in rows:
            filled = fill(rest, values, used, self.mistakes)
            yield self._case(rest, {k.text: v for k, v in filled.pairs}, values)
        for name in rows[0] if rows else ():
            if name not in used:
                self.mistakes.add(case["parameters"].line, f"parameter {name} isn't used")

    def _parameters(self, node: Node) -> Iterator[dict[str, Node]]:
        """The rows of a table of parameters."""
        if node.kind == "text" and node.style == "|":
            lines = table_lines(node)
            if len(lines) < 2:
                self.mistakes.add(node.line, "a table of parameters is a line of names, then a line for each run")
                return
            names = lines[0][1]
            for line, cells in lines[1:]:
                if len(cells) != len(names):
                    self.mistakes.add(line, f"{len(cells)} cells under {len(names)} parameters")
                    continue
                at = Node("text", line, node.start, node.end)
                yield {n: argument(c, at) for n, c in zip(names, cells, strict=True)}
        elif node.kind == "list" and all(n.kind == "mapping" for n in node.items) and node.items:
            first = [k.text for k, _ in node.items[0].pairs]
            for item in node.items:
                if [k.text for k, _ in item.pairs] != first:
                    self.mistakes.add(item.line, f"every row has the parameters {', '.join(first)}")
                yield {k.text: v for k, v in item.pairs}
        else:
            self.mistakes.add(node.line, "parameters are a table, or a list of mappings")

    def _case(self, written: Node, case: dict[str, Node], values: Values) -> Case:
        """A case.

        Args:
            written: as it is written, for its rows: a value may have commas, so it is put in at its place.
            case: with the parameters' values put in, for the rest.
            values: of the parameters.
        """
        line, raw = written.line, {k.text: v for k, v in written.pairs}
        roles = _roles(case["roles"], self.rules, self.mistakes) if "roles" in case else self.roles
        self.mistakes.raise_any()
        rows = RowReader(self.rules, roles, self.templates, self.mistakes)
        state = State()
        steps = []
        if self.given is not None:
            rows.apply(state, "insert", self.given, {})
            rows.check_references(state, self.given.line)
            steps.append(Step(self.given.line, "the shared background", state, ()))
        reader = ExpectationReader(self.rules, roles, self.mistakes)
        state = state.copy()
        if "given" in raw:
            rows.apply(state, "insert", raw["given"], values)
        rows.check_references(state, line)
        steps.append(self._step(line, "what is given", state, case, reader))
        for item, raw_item in zip(listed(case.get("steps")), listed(raw.get("steps")), strict=True):
            step = entries(item, STEP, "a step", self.mistakes)
            raw = {k.text: v for k, v in raw_item.pairs}
            state = (steps[-2] if steps[-1].fails is not None else steps[-1]).state.copy()
            for verb in ("delete", "change", "insert"):
                if verb in step:
                    rows.apply(state, verb, raw[verb], values)
            rows.check_references(state, item.line)
            name = step["name"].text if "name" in step else f"step {len(steps) - (self.given is not None)}"
            steps.append(self._step(item.line, name, state, step, reader))
        ranges = self._ranges(case.get("ranges"), roles)
        texts = tuple(map(as_text, values.values()))
        return Case(self.path, line, case["name"].text, texts, roles, self.rules, tuple(steps), ranges)

    def _step(self, line: int, name: str, state: State, node: dict[str, Node], reader: ExpectationReader) -> Step:
        found = [e for kind in KINDS if kind in node for e in reader.read(kind, node[kind])]
        return Step(line, name, state, tuple(found), node["fails"].text if "fails" in node else None)

    def _ranges(self, node: Node | None, roles: tuple[str, ...]) -> dict[str, tuple[int, int]]:
        ranges: dict[str, tuple[int, int]] = {}
        for key, value in node.pairs if node is not None else ():
            low, _, high = value.text.partition("..")
            if key.text not in self.rules.relations(roles):
                self.mistakes.add(key.line, self.rules.unknown(key.text, roles))
            elif not (low.strip().isdecimal() and high.strip().isdecimal()):
                self.mistakes.add(value.line, f"a range is written 1..9, not {value.named}")
            else:
                ranges[key.text] = (int(low), int(high))
        return ranges
