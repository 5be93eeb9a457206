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

CHARACTER, LINE, MARGIN = 7.3, 16.0, 9.0
"""Pixels that a character and a line of a box take at the page's font size, and around them."""

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
        '  node [fontname="Courier", fontsize=10]; edge [color="#777777", fontname="Courier", fontsize=9];',
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
        lines.append(f"  n{numbers[node.name]}{start}{_entities(node.label)}{end}:::{node.kind}")
    for edge in graph.edges:
        label = f'|"{_entities(edge.label)}"|' if edge.label else ""
        lines.append(f"  n{numbers[edge.tail]} -->{label} n{numbers[edge.head]}")
    kinds = [k for k in _MERMAID if any(n.kind == k for n in graph.nodes)]
    lines += [f"  classDef {kind} {_MERMAID[kind][0]},text-align:left" for kind in kinds]
    return "\n".join([*lines, ""])


def _entities(text: str) -> str:
    """Text as Mermaid takes it between quotes: what could mean something is written as ``#35;``."""
    return "".join("<br/>" if c == "\n" else c if c.isalnum() or c in " .,:=/-_…" else f"#{ord(c)};" for c in text)


# -- web page ----------------------------------------------------------------------------------------------


def page(graph: Graph) -> str:
    """The picture as a web page with inline SVG, styles and script: zoom, pan, fold, and details of each box."""
    template = files("ovn_rules.cli.verbs").joinpath("picture.html").read_text()
    sizes = {n.name: _size(n) for n in graph.nodes}
    captions = _captions(graph)
    placed = layout(graph, {name: _room(size, captions.get(name, ())) for name, size in sizes.items()})
    middles = {name: (x, y + len(captions.get(name, ())) * LINE / 2) for name, (x, y) in placed.boxes.items()}
    numbers = {n.name: i for i, n in enumerate(graph.nodes)}
    parts = []
    for edge, points in zip(graph.edges, placed.paths, strict=True):
        if not points:  # an arrow from a box to itself says nothing in a picture of reasons
            continue
        ends = [_end(points[i], middles[name], sizes[name]) for i, name in ((0, edge.tail), (-1, edge.head))]
        parts.append(
            f'<path class="edge" data-tail="{numbers[edge.tail]}" data-head="{numbers[edge.head]}" '
            f'd="{_curve([ends[0], *points[1:-1], ends[1]])}" marker-end="url(#arrow)"/>'
        )
    parts += [
        _box(
            n,
            f'data-number="{i}" data-layer="{placed.layers[n.name]}"',
            middles[n.name],
            sizes[n.name],
            captions.get(n.name, ()),
        )
        for i, n in enumerate(graph.nodes)
    ]
    details = json.dumps([n.title for n in graph.nodes], ensure_ascii=False).replace("<", "\\u003c")
    values = {
        "{{title}}": html.escape(graph.title),
        "{{width}}": f"{placed.width:.0f}",
        "{{height}}": f"{placed.height:.0f}",
        "{{details}}": details,
        "{{picture}}": "\n".join(parts),
    }
    before, *rest = template.split("{{")
    return before + "".join(values["{{" + r.partition("}}")[0] + "}}"] + r.partition("}}")[2] for r in rest)


def _size(node: Node) -> Size:
    lines = node.label.split("\n")
    return max(map(len, lines)) * CHARACTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN


def _captions(graph: Graph) -> dict[str, list[str]]:
    """The labels of the arrows to each box, line by line: above a box nothing is in their way."""
    captions: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.label and edge.tail != edge.head:
            captions.setdefault(edge.head, []).extend(edge.label.split("\n"))
    return {head: list(dict.fromkeys(lines)) for head, lines in captions.items()}


def _room(size: Size, caption: Sequence[str]) -> Size:
    """What a box takes with the labels above it."""
    return max(size[0], max(map(len, caption), default=0) * CHARACTER + MARGIN), size[1] + len(caption) * LINE


def _end(point: Point, middle: Point, size: Size) -> Point:
    """Where an arrow meets a box: at its upper or its lower side."""
    return point[0], middle[1] + size[1] / 2 * (1 if point[1] > middle[1] else -1)


def _box(node: Node, attributes: str, middle: Point, size: Size, caption: Sequence[str]) -> str:
    (x, y), (width, height) = middle, size
    left, top = x - width / 2, y - height / 2
    first, *lines = node.label.split("\n")
    label = _lines([first], left + MARGIN, top + MARGIN, ' class="first"') + _lines(
        lines, left + MARGIN, top + MARGIN + LINE
    )
    return (
        f'<g class="node {node.kind}" {attributes} tabindex="0">'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6"/>'
        f"<text>{label}</text>"
        f"{_caption(caption, x, top) if caption else ''}"
        f'<g class="fold"><circle cx="{x:.1f}" cy="{top + height:.1f}" r="7"/>'
        f'<text x="{x:.1f}" y="{top + height + 4:.1f}">&#8722;</text></g></g>'
    )


def _caption(lines: Sequence[str], x: float, bottom: float) -> str:
    """The labels of the arrows to a box, over the arrows' ends."""
    width, height = max(map(len, lines)) * CHARACTER + MARGIN, len(lines) * LINE
    top = bottom - height - MARGIN
    return (
        f'<g class="label"><rect x="{x - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        f"<text>{_lines(lines, x, top)}</text></g>"
    )


def _lines(lines: Sequence[str], x: float, top: float, attributes: str = "") -> str:
    return "".join(
        f'<tspan x="{x:.1f}" y="{top + (i + 0.78) * LINE:.1f}"{attributes}>{html.escape(line)}</tspan>'
        for i, line in enumerate(lines)
    )


def _curve(points: Sequence[Point]) -> str:
    """A path that leaves and arrives upright."""
    text = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (y + to_y) / 2
        text += f"C{x:.1f},{half:.1f} {to_x:.1f},{half:.1f} {to_x:.1f},{to_y:.1f}"
    return text
