"""Templates: many rows with a name and parameters, so that a case says in one line what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ovn_rules.cli.spec.calls import Call, argument, parse_call
from ovn_rules.cli.spec.document import Node, fill

if TYPE_CHECKING:
    from ovn_rules.cli.spec.document import Mistakes


@dataclass(frozen=True)
class Template:
    """Rows with a name and parameters.

    Attributes:
        name: what uses of it say.
        parameters: name → default, None where there is none; a default may use the parameters before it.
        body: rows, facts and uses of other templates.
    """

    name: str
    parameters: Mapping[str, Node | None]
    body: Node


Templates = Mapping[str, Template]
Values = Mapping[str, Node]
"""Parameters' values by name."""


def read_templates(node: Node | None, mistakes: Mistakes) -> dict[str, Template]:
    """The templates of a file, by name.

    Args:
        node: what stands under ``templates``.
        mistakes: takes what is wrong.
    """
    templates: dict[str, Template] = {}
    if node is None or node.empty:
        return templates
    if node.kind != "mapping":
        mistakes.add(node.line, f"templates are a mapping of name(parameters) to rows, not {node.named}")
        return templates
    for key, body in node.pairs:
        try:
            call = parse_call(key.text)
        except ValueError as error:
            mistakes.add(key.line, str(error))
            continue
        parameters: dict[str, Node | None] = dict.fromkeys(call.values)
        parameters |= {n: argument(t, key) for n, t in call.named.items()}
        used: set[str] = set()
        for each in (body, *filter(None, parameters.values())):
            fill(each, {n: v or key for n, v in parameters.items()}, used, mistakes)
        for name in parameters:
            if name not in used:
                mistakes.add(key.line, f"template {call.name} doesn't use its parameter {name}")
        templates[call.name] = Template(call.name, parameters, body)
    return templates


def use(
    node: Node, values: Values, templates: Templates, mistakes: Mistakes
) -> tuple[Template, dict[str, Node]] | None:
    """Which template is used, with which values of its parameters.

    Args:
        node: ``name(value, parameter=value)``.
        values: of the parameters that stand in the arguments.
        templates: by name.
        mistakes: takes what is wrong.

    Returns:
        None when the use is a mistake.
    """
    try:
        call = parse_call(node.text)
    except ValueError as error:
        mistakes.add(node.line, str(error))
        return None
    template = templates.get(call.name)
    if template is None:
        mistakes.unknown(node.line, "template", call.name, templates)
        return None
    before = len(mistakes.found)
    given = _arguments(call, template, node, mistakes)
    if len(mistakes.found) > before:
        return None
    inner: dict[str, Node] = {}
    for name, default in template.parameters.items():
        if name in given:
            # The argument is taken apart before anything is put in, so that a value may have commas.
            inner[name] = fill(argument(given[name], node), values, set(), mistakes)
        elif default is not None:
            inner[name] = fill(default, inner, set(), mistakes)
    if missing := [n for n in template.parameters if n not in inner]:
        mistakes.add(node.line, f"{call.name} needs {', '.join(missing)}")
        return None
    return template, inner


def _arguments(call: Call, template: Template, node: Node, mistakes: Mistakes) -> dict[str, str]:
    """The arguments by parameter, as they are written."""
    if len(call.values) > len(template.parameters):
        mistakes.add(node.line, f"{call.name} takes {len(template.parameters)} arguments, not {len(call.values)}")
    given = dict(zip(template.parameters, call.values, strict=False))
    for name, text in call.named.items():
        if name not in template.parameters:
            mistakes.unknown(node.line, f"parameter of {call.name}", name, template.parameters)
        elif name in given:
            mistakes.add(node.line, f"{name} is given twice")
        given[name] = text
    return given


def at_line(node: Node, line: int) -> Node:
    """A node that says it stands in a line, with all that is in it."""
    return replace(
        node,
        line=line,
        items=tuple(at_line(n, line) for n in node.items),
        pairs=tuple((at_line(k, line), at_line(v, line)) for k, v in node.pairs),
    )
