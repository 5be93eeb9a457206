"""Pictures of graphs: for Graphviz, for Mermaid, and as a web page that needs neither."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from ovn_rules.cli.verbs.layout import layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovn_rules.cli.verbs.layout import Point, Size
    from ovn_rules.cli.verbs.verb import Graph, Node

CHARACTER, LINE, MARGIN = 6.7, 15.0, 9.0
"""Pixels that a character and a line of a box take at the page's font size, and around them."""
FIRST = ' class="first"'

_DOT = {
    "fact": 'shape=box, style="rounded,filled", fillcolor="#e8f0fe", color="#4a6fa5"',
    "row": 'shape=box, style=filled, fillcolor="#e3f4e1", color="#4b8b45"',
    "rule": 'shape=box, style="rounded,filled", fillcolor="#fff6da", color="#b08a2e"',
    "absent": 'shape=box, style="dashed", color="#b04a4a"',
    "note": "shape=plaintext",
}
_MERMAID = {
    "fact": ("fill:#e8f0fe,stroke:#4a6fa5,color:#111", '("', '")'),
    "row": ("fill:#e3f4e1,stroke:#4b8b45,color:#111", '["', '"]'),
    "rule": ("fill:#fff6da,stroke:#b08a2e,color:#111", '(["', '"])'),
    "absent": ("fill:#fff,stroke:#b04a4a,color:#111,stroke-dasharray:4", '["', '"]'),
    "note": ("fill:#fff,stroke:#999,color:#555", '["', '"]'),
}


def draw(graph: Graph, form: str) -> str:
    """A picture as text.

    Args:
        graph: what is drawn.
        form: ``dot`` (Graphviz), ``mermaid``, or ``html``: a page that loads nothing else.
    """
    return {"dot": dot, "mermaid": mermaid, "html": page}[form](graph)


def dot(graph: Graph) -> str:
    """The picture in Graphviz's language (https://graphviz.org/doc/info/lang.html)."""
    numbers = {n.name: i for i, n in enumerate(graph.nodes)}
    lines = [
        "digraph {",
        f"  label={_quoted(graph.title)}; labelloc=t; rankdir=TB;",
        '  node [fontname="monospace", fontsize=10]; edge [color="#777777", fontname="monospace", fontsize=9];',
    ]
    for node in graph.nodes:
        label = "".join(f"{_escaped(line)}\\l" for line in node.label.split("\n"))
        lines.append(f'  n{numbers[node.name]} [label="{label}", tooltip={_quoted(node.title)}, {_DOT[node.kind]}];')
    for edge in graph.edges:
        label = f" [label={_quoted(edge.label)}]" if edge.label else ""
        lines.append(f"  n{numbers[edge.tail]} -> n{numbers[edge.head]}{label};")
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    escaped = _escaped(text).replace("\n", "\\n")
    return f'"{escaped}"'


def mermaid(graph: Graph) -> str:
    """The picture as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""
    numbers = {n.name: i for i, n in enumerate(graph.nodes)}
    lines = ["flowchart TB"]
    for node in graph.nodes:
        _, start, end = _MERMAID[node.kind]
        label = "<br/>".join(map(_entities, node.label.split("\n")))
        lines.append(f"  n{numbers[node.name]}{start}{label}{end}:::{node.kind}")
    for edge in graph.edges:
        label = f'|"{_entities(edge.label)}"|' if edge.label else ""
        lines.append(f"  n{numbers[edge.tail]} -->{label} n{numbers[edge.head]}")
    kinds = [k for k in _MERMAID if any(n.kind == k for n in graph.nodes)]
    lines += [f"  classDef {kind} {_MERMAID[kind][0]},text-align:left" for kind in kinds]
    return "\n".join([*lines, ""])


def _entities(text: str) -> str:
    """Text as Mermaid takes it between quotes: what could mean something is written as ``#35;``."""
    return "".join(c if c.isalnum() or c in " .,:=/-_…" else f"#{ord(c)};" for c in text)


# -- web page ----------------------------------------------------------------------------------------------


def page(graph: Graph) -> str:
    """The picture as a web page with inline SVG, styles and script: zoom, pan, fold, and details of each box."""
    template = files("ovn_rules.cli.verbs").joinpath("picture.html").read_text()
    sizes = {n.name: _size(n) for n in graph.nodes}
    placed = layout(graph, sizes)
    numbers = {n.name: i for i, n in enumerate(graph.nodes)}
    parts = []
    for edge, points in zip(graph.edges, placed.paths, strict=True):
        if not points:  # an arrow from a box to itself says nothing in a picture of reasons
            continue
        parts.append(
            f'<path class="edge" data-tail="{numbers[edge.tail]}" data-head="{numbers[edge.head]}" '
            f'd="{_curve(points)}" marker-end="url(#arrow)"/>'
        )
        if edge.label:
            (x, y), (to_x, to_y) = points[0], points[-1]
            parts.append(
                f'<text class="label" data-tail="{numbers[edge.tail]}" data-head="{numbers[edge.head]}" '
                f'x="{(x + to_x) / 2:.1f}" y="{(y + to_y) / 2:.1f}">{html.escape(edge.label)}</text>'
            )
    parts += [_box(node, numbers[node.name], placed.boxes[node.name], sizes[node.name]) for node in graph.nodes]
    details = json.dumps([n.title for n in graph.nodes], ensure_ascii=False).replace("<", "\\u003c")
    values = {
        "{{title}}": html.escape(graph.title),
        "{{width}}": f"{placed.width + 40:.0f}",
        "{{height}}": f"{placed.height + 40:.0f}",
        "{{details}}": details,
        "{{picture}}": "\n".join(parts),
    }
    before, *rest = template.split("{{")
    return before + "".join(values["{{" + r.partition("}}")[0] + "}}"] + r.partition("}}")[2] for r in rest)


def _size(node: Node) -> Size:
    lines = node.label.split("\n")
    return max(map(len, lines)) * CHARACTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN


def _box(node: Node, number: int, middle: Point, size: Size) -> str:
    (x, y), (width, height) = middle, size
    left, top = x - width / 2, y - height / 2
    lines = "".join(
        f'<tspan x="{left + MARGIN:.1f}" y="{top + MARGIN + (i + 0.78) * LINE:.1f}"'
        f"{' class=first' if i == 0 else ''}>{html.escape(line)}</tspan>"
        for i, line in enumerate(node.label.split("\n"))
    )
    return (
        f'<g class="node {node.kind}" data-number="{number}" tabindex="0">'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6"/>'
        f"<text>{lines}</text>"
        f'<g class="fold"><circle cx="{x:.1f}" cy="{top + height:.1f}" r="7"/>'
        f'<text x="{x:.1f}" y="{top + height + 4:.1f}">&#8722;</text></g></g>'
    )


def _curve(points: Sequence[Point]) -> str:
    """A path that leaves and arrives upright."""
    text = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (y + to_y) / 2
        text += f"C{x:.1f},{half:.1f} {to_x:.1f},{half:.1f} {to_x:.1f},{to_y:.1f}"
    return text
