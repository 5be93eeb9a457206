"""Directed graphs as mappings from each node to what it leads to: cycles, orders, paths."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

Node = TypeVar("Node")


def components(graph: Mapping[Node, Collection[Node]]) -> list[list[Node]]:
    """Strongly connected components, each before those that it leads to (Kosaraju's algorithm).

    Args:
        graph: Every node with what it leads to.
    """
    backwards: dict[Node, list[Node]] = {node: [] for node in graph}
    for node, targets in graph.items():
        for target in targets:
            backwards[target].append(node)
    found, seen = [], set()
    for root in reversed(_left(graph)):
        if root in seen:
            continue
        group = [root]
        seen.add(root)
        for node in group:
            new = [source for source in backwards[node] if source not in seen]
            seen.update(new)
            group += new
        found.append(group)
    return found


def _left(graph: Mapping[Node, Collection[Node]]) -> list[Node]:
    """The nodes in the order in which a depth-first search is through with them."""
    order: list[Node] = []
    seen: set[Node] = set()
    for root in graph:
        stack = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(target, False) for target in graph[node] if target not in seen]
    return order


def in_order(graph: Mapping[Node, Collection[Node]], rank: Callable[[list[Node]], int]) -> list[list[Node]]:
    """Strongly connected components, each before those that it leads to; of several that could be next, the lowest.

    Args:
        graph: Every node with what it leads to.
        rank: A number for a component; no two have the same.
    """
    groups = components(graph)
    group_of = {node: number for number, group in enumerate(groups) for node in group}
    after = [{group_of[t] for node in group for t in graph[node]} - {n} for n, group in enumerate(groups)]
    waiting = [0] * len(groups)
    for targets in after:
        for target in targets:
            waiting[target] += 1
    ready = [(rank(group), n) for n, group in enumerate(groups) if not waiting[n]]
    heapq.heapify(ready)
    result = []
    while ready:
        _, number = heapq.heappop(ready)
        result.append(groups[number])
        for target in after[number]:
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(ready, (rank(groups[target]), target))
    return result


def shortest_path(graph: Mapping[Node, Collection[Node]], start: Node, end: Node) -> list[Node]:
    """The nodes of a shortest path, both ends included.

    Raises:
        ValueError: There is none.
    """
    came_from = {start: start}
    frontier = [start]
    for node in frontier:
        if node == end:
            path = [end]
            while path[-1] != start:
                path.append(came_from[path[-1]])
            return path[::-1]
        for target in graph[node]:
            if target not in came_from:
                came_from[target] = node
                frontier.append(target)
    raise ValueError(f"no path from {start} to {end}")
