"""Spec files as a reference in Markdown: what a rule program promises, with the cases as examples."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from ovn_rules.cli.spec.calls import parse_call
from ovn_rules.cli.spec.document import parse
from ovn_rules.cli.spec.facts import table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovn_rules.cli.spec.document import Node
    from ovn_rules.cli.spec.reader import SpecFile

_PARAMETER = re.compile(r"\$\{?(\w+)\}?")

PROSE = ("name", "about", "parameters", "roles")
"""Keys of a case that aren't shown as they are written."""


def rendered(files: Sequence[SpecFile]) -> str:
    """Spec files as one Markdown document.

    Args:
        files: in the order of its chapters.
    """
    parts = [_head(files)]
    for file in files:
        parts += _chapter(file)
    templates = list(dict.fromkeys(path for file in files for path in file.uses))
    if templates:
        parts += ["## Rows in short", "Rows that the examples make with one word, and what the word stands for."]
    for path in templates:
        text = path.read_text(encoding="utf-8")
        node = next(v for k, v in parse(text, str(path)).pairs if k.text == "templates")
        starts = [k.line for k, _ in node.pairs]
        for (key, _), after in zip(node.pairs, [*starts[1:], None], strict=True):
            parts += [f"### {parse_call(key.text).name}", _yaml(text, key.line, after)]
    return "\n\n".join(parts) + "\n"


def _head(files: Sequence[SpecFile]) -> str:
    names = sorted({file.rules.name for file in files})
    contents = "\n".join(f"- [{file.subject}](#{_anchor(file.subject)})" for file in files)
    return (
        f"# What {' and '.join(names)} promises\n\n"
        "Made from the [specs](specs.md) by `ovn-rules spec --render`; a change belongs there. The tests run every\n"
        "example, in each of the roles named.\n\n"
        f"{contents}"
    )


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _chapter(file: SpecFile) -> Iterator[str]:
    yield f"## {file.subject}"
    if file.about:
        yield file.about
    yield f"In {_roles(file.roles)}."
    head = {key.text: (key, value) for key, value in file.node.pairs}
    if "given" in head:
        yield "Before every example there is:"
        yield _entry(file.text, file.node, "given")
    cases = head["cases"][1].items
    for case, after in zip(cases, [*(c.line for c in cases[1:]), None], strict=True):
        yield from _case(file.text, case, after)


def _roles(roles: Sequence[str]) -> str:
    return f"the role{'s' if len(roles) > 1 else ''} {' and '.join(f'`{role}`' for role in roles)}"


def _case(text: str, case: Node, after: int | None) -> Iterator[str]:
    entries = {key.text: value for key, value in case.pairs}
    yield "### " + _PARAMETER.sub(r"*\1*", entries["name"].text)
    if "about" in entries:
        yield entries["about"].text.strip()
    if "roles" in entries:
        node = entries["roles"]
        yield f"In {_roles([n.text for n in node.items] or [node.text])}."
    if "parameters" in entries:
        yield _parameters(entries["parameters"])
    shown = [key for key, _ in case.pairs if key.text not in PROSE]
    if shown:
        lines = []
        for key, end in zip([key for key, _ in case.pairs], [*(k.line for k, _ in case.pairs[1:]), after], strict=True):
            if key in shown:
                lines.append(_source(text, key.line, end))
        yield "```yaml\n" + "\n".join(lines) + "\n```"


def _parameters(node: Node) -> str:
    if node.kind == "text":
        rows = [cells for _, cells in table_lines(node)]
    else:
        rows = [[k.text for k, _ in node.items[0].pairs], *([v.text for _, v in n.pairs] for n in node.items)]
    head, *body = rows
    lines = [" | ".join(f"*{name}*" for name in head), " | ".join("---" for _ in head)]
    lines += [" | ".join(_code(cell) for cell in row) for row in body]
    return "\n".join(f"| {line} |" for line in lines)


def _code(text: str) -> str:
    """A cell of a Markdown table, as code."""
    text = text.replace("|", "\\|").replace("\t", "\\t")
    return f"`` {text} ``" if "`" in text else f"`{text}`" if text else ""


def _entry(text: str, node: Node, name: str) -> str:
    """An entry of a mapping as it is written."""
    keys = [key for key, _ in node.pairs]
    number = next(i for i, key in enumerate(keys) if key.text == name)
    after = keys[number + 1].line if number + 1 < len(keys) else None
    return _yaml(text, keys[number].line, after)


def _yaml(text: str, line: int, after: int | None) -> str:
    return f"```yaml\n{_source(text, line, after)}\n```"


def _source(text: str, line: int, after: int | None) -> str:
    """Lines of a file, from one to before another, without their indentation and the empty ones at the end."""
    lines = text.splitlines()[line - 1 : None if after is None else after - 1]
    lines[0] = lines[0].replace("- ", "  ", 1) if lines[0].lstrip().startswith("- ") else lines[0]
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return textwrap.dedent("\n".join(lines))
