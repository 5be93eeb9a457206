"""``ovn-rules graph``: which relation follows from which, as a picture."""

from __future__ import annotations

import click

from ovn_rules.cli.programs import find_program, program_option
from ovn_rules.engine.ir import Allocate, Atom, Program

ROLES = ("northd", "controller", "everything")


@click.command()
@program_option
@click.option("--role", type=click.Choice(ROLES), default="everything", show_default=True, help="Whose rules.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("dot", "mermaid", "text")),
    default="text",
    show_default=True,
    help="How it is printed.",
)
def graph(program: str | None, role: str, form: str) -> None:
    """Show what each relation follows from.

    \b
    Examples:
      ovn-rules graph
      ovn-rules graph --role northd --format dot | dot -Tsvg > northd.svg
      ovn-rules graph --format mermaid
    """
    chosen = find_program(program)
    click.echo(PICTURES[form](chosen.roles[role].load()))


def edges(program: Program) -> list[tuple[str, str, bool]]:
    """(source, derived relation, only absence matters), each once, sorted."""
    positive: set[tuple[str, str]] = set()
    every: set[tuple[str, str]] = set()
    for clause in program.clauses:
        for literal in clause.body:
            if isinstance(literal, Atom):
                edge = (literal.relation, clause.relation)
                every.add(edge)
                if not literal.negated:
                    positive.add(edge)
        for term in clause.terms:
            if isinstance(term, Allocate):
                positive.update((name, clause.relation) for name in term.reads)
    every |= positive
    return sorted((a, b, (a, b) not in positive) for a, b in every)


def text(program: Program) -> str:
    """One line a relation."""
    sources: dict[str, list[str]] = {}
    for source, target, absent in edges(program):
        sources.setdefault(target, []).append(f"~{source}" if absent else source)
    return "\n".join(f"{target} <= {', '.join(names)}" for target, names in sorted(sources.items()))


def dot(program: Program) -> str:
    """For Graphviz: database relations as boxes, dashed where absence counts."""
    lines = ["digraph rules {", "  rankdir=LR; node [fontname=sans];"]
    for name, definition in sorted(program.relations.items()):
        shape = "box" if definition.table else "ellipse"
        lines.append(f'  "{name}" [shape={shape}];')
    for source, target, absent in edges(program):
        lines.append(f'  "{source}" -> "{target}"{" [style=dashed]" if absent else ""};')
    return "\n".join([*lines, "}"])


def mermaid(program: Program) -> str:
    """For Markdown: the same as a Mermaid flowchart."""
    names = {name: f"r{i}" for i, name in enumerate(sorted(program.relations))}
    lines = ["flowchart LR"]
    for name, number in names.items():
        left, right = ("[", "]") if program.relations[name].table else ("([", "])")
        lines.append(f'  {number}{left}"{name}"{right}')
    for source, target, absent in edges(program):
        lines.append(f"  {names[source]} {'-.->' if absent else '-->'} {names[target]}")
    return "\n".join(lines)


PICTURES = {"dot": dot, "mermaid": mermaid, "text": text}
