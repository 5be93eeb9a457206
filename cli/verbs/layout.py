"""Where the boxes of a picture stand: layers from top to bottom, few crossings, short arrows (Sugiyama's method)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovn_rules.cli.verbs.verb import Graph

BETWEEN, BETWEEN_LAYERS = 24.0, 56.0
SWEEPS = 12

Size = tuple[float, float]
Point = tuple[float, float]


@dataclass
class _Place:
    """A box, or where an arrow passes through a layer."""

    width: float
    height: float
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Layout:
    """A picture's geometry, in pixels from its upper left corner.

    Attributes:
        boxes: middle of each node.
        layers: the layer of each, counted from the top.
        paths: for each edge the points that it passes, from the tail's side to the head's; none from a node to itself.
        width, height: of the whole.
    """

    boxes: Mapping[str, Point]
    layers: Mapping[str, int]
    paths: Sequence[Sequence[Point]]
    width: float
    height: float


def layout(graph: Graph, sizes: Mapping[str, Size]) -> Layout:
    """Place the nodes of a graph; an edge of a cycle may point up.

    Args:
        graph: the picture.
        sizes: width and height of each node.
    """
    edges = [(e.tail, e.head) for e in graph.edges]
    forward = _without_cycles([n.name for n in graph.nodes], edges)
    level = _levels([n.name for n in graph.nodes], forward)
    places = {n.name: _Place(*sizes[n.name]) for n in graph.nodes}
    layers: list[list[_Place]] = [[] for _ in range(max(level.values(), default=0) + 1)]
    for name, place in places.items():
        layers[level[name]].append(place)
    routes = {edge: _route(places, level, layers, *edge) for edge in dict.fromkeys(forward)}
    _order(layers)
    _across(layers)
    _down(layers)
    every = [p for layer in layers for p in layer]
    left = min((p.x - p.width / 2 for p in every), default=0.0)
    for place in every:
        place.x -= left
    paths = [_path(routes[e] if e in routes else routes[e[1], e[0]][::-1]) if e[0] != e[1] else [] for e in edges]
    width = max((p.x + p.width / 2 for p in every), default=0.0)
    height = max((p.y + p.height / 2 for p in every), default=0.0)
    return Layout({name: (p.x, p.y) for name, p in places.items()}, level, paths, width, height)


def _without_cycles(names: list[str], edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges, those that close a cycle turned round."""
    below: dict[str, list[str]] = {n: [] for n in names}
    for tail, head in edges:
        below[tail].append(head)
    state: dict[str, int] = {}
    turned = set()
    for start in names:
        if start in state:
            continue
        state[start] = 1
        stack = [(start, iter(below[start]))]
        while stack:
            name, heads = stack[-1]
            head = next(heads, "")
            if not head:
                state[name] = 2
                stack.pop()
            elif head not in state:
                state[head] = 1
                stack.append((head, iter(below[head])))
            elif state[head] == 1:
                turned.add((name, head))
    return [(h, t) if (t, h) in turned else (t, h) for t, h in edges if t != h]


def _levels(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """The length of the longest way to each node."""
    level = dict.fromkeys(names, 0)
    missing = dict.fromkeys(names, 0)
    below: dict[str, list[str]] = {n: [] for n in names}
    for tail, head in edges:
        missing[head] += 1
        below[tail].append(head)
    ready = [n for n in names if not missing[n]]
    for name in ready:  # grows
        for head in below[name]:
            level[head] = max(level[head], level[name] + 1)
            missing[head] -= 1
            if not missing[head]:
                ready.append(head)
    return level


def _route(
    places: Mapping[str, _Place], level: Mapping[str, int], layers: list[list[_Place]], tail: str, head: str
) -> list[_Place]:
    """An edge's places in all layers that it passes."""
    route = [places[tail]]
    for i in range(level[tail] + 1, level[head]):
        route.append(_Place(4.0, 0.0))
        layers[i].append(route[-1])
    route.append(places[head])
    for upper, lower in pairwise(route):
        upper.below.append(lower)
        lower.above.append(upper)
    return route


def _order(layers: list[list[_Place]]) -> None:
    """Order each layer by the middle of its neighbours, down and up in turns."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for upper, lower in pairwise(layers if down else layers[::-1]):
            index = {id(p): i for i, p in enumerate(upper)}
            middle = {}
            for i, place in enumerate(lower):
                near = [index[id(p)] for p in (place.above if down else place.below)]
                middle[id(place)] = sum(near) / len(near) if near else float(i)
            lower.sort(key=lambda p, middle=middle: middle[id(p)])  # type: ignore[misc]


def _across(layers: list[list[_Place]]) -> None:
    """Put each place as near to the middle of its neighbours as its layer's order lets it."""
    for layer in layers:
        x = 0.0
        for place in layer:
            place.x = x + place.width / 2
            x += place.width + BETWEEN
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = []
            for place in layer:
                near = place.above if sweep % 2 == 0 else place.below
                near = near or [*place.above, *place.below]
                wanted.append(sum(p.x for p in near) / len(near) if near else place.x)
            _settle(layer, wanted)


def _settle(layer: list[_Place], wanted: list[float]) -> None:
    """The places nearest to where they want to be, by squares, that keep order and distance."""
    offset, offsets = 0.0, []
    for i, place in enumerate(layer):
        if i:
            offset += (layer[i - 1].width + place.width) / 2 + BETWEEN
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # sum of what is wanted, number of places
    for want, off in zip(wanted, offsets, strict=True):
        total, number = want - off, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / number:
            before, many = blocks.pop()
            total, number = total + before, number + many
        blocks.append((total, number))
    starts = [total / number for total, number in blocks for _ in range(number)]
    for place, start, off in zip(layer, starts, offsets, strict=True):
        place.x = start + off


def _down(layers: list[list[_Place]]) -> None:
    y = 0.0
    for layer in layers:
        height = max((p.height for p in layer), default=0.0)
        for place in layer:
            place.y = y + height / 2
            place.height = place.height or height  # an arrow passes a layer upright, beside its boxes
        y += height + BETWEEN_LAYERS


def _path(route: list[_Place]) -> list[Point]:
    """The points of an edge, from the side of the first box to that of the last."""
    first, last = route[0], route[-1]
    down = 1 if last.y >= first.y else -1
    ends = (first.x, first.y + down * first.height / 2), (last.x, last.y - down * last.height / 2)
    passed = [(p.x, p.y + side * p.height / 2) for p in route[1:-1] for side in (-down, down)]
    return [ends[0], *passed, ends[1]]
