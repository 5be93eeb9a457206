"""OpenFlow flows as text: the form ``ovs-ofctl`` prints and reads.

A flow is ``(table, priority, match, actions)``. Match and actions are spelled exactly as
``ovs-ofctl -O OpenFlow13 --no-names --no-stats dump-flows`` spells them, so that equal flows are equal text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Flow = tuple[int, int, str, str]
"""Table, priority, match, actions."""

FlowKey = tuple[int, int, str]
"""What identifies a flow on a switch: table, priority, match."""

DEFAULT_PRIORITY = 32768
"""The priority ovs-ofctl doesn't print (ovs-ofctl(8), "Flow Syntax")."""


def parse_dump(lines: Iterable[str]) -> Iterator[Flow]:
    """Yields the flows of ``ovs-ofctl dump-flows`` output.

    What a flow has beside match and actions (a cookie, timeouts, flags) stands before its actions, in square
    brackets, so that it is equal to no wanted flow. Lines that hold no flow are passed over.
    """
    for line in lines:
        head, found, actions = line.strip().partition(" actions=")
        if not found:
            if not line.lstrip().startswith(("actions=", "table=", "cookie=", "priority=")):
                continue
            head, _, actions = line.strip().rpartition("actions=")
        table, priority, match, extra = _parse_head(head)
        yield table, priority, match, f"[{extra}]{actions}" if extra else actions


def _parse_head(head: str) -> tuple[int, int, str, str]:
    """Splits ``cookie=0x5, table=17, idle_timeout=9, send_flow_rem priority=4,ip`` into its parts."""
    table, priority, extra = 0, DEFAULT_PRIORITY, []
    *attributes, last = head.split(", ")
    *flags, last = last.split(" ")
    match = last.strip()
    # With the default priority and no match, what comes last is an attribute: " table=3, actions=drop".
    if match.endswith(","):
        attributes.append(match[:-1])
        match = ""
    elif match.startswith("priority="):
        number, _, match = match[len("priority=") :].partition(",")
        priority = int(number)
    for attribute in (*attributes, *flags):
        name, _, value = attribute.partition("=")
        if name == "table":
            table = int(value)
        elif attribute != "reset_counts":  # set for every flow that OpenFlow 1.0 to 1.2 added
            extra.append(attribute)
    return table, priority, match, ",".join(extra)


def format_flow(flow: Flow) -> str:
    """The flow as ``dump-flows`` prints it, without blanks around, and with ``table=`` also for table 0."""
    table, priority, match, actions = flow
    return f"table={table},priority={priority}{',' if match else ''}{match} actions={actions}"


def is_plain(actions: str) -> bool:
    """Whether a flow that was read has nothing but match and actions; see parse_dump."""
    return not actions.startswith("[")


def flow_mod(flow: Flow, *, modify: bool = False) -> str:
    """A line for ``ovs-ofctl add-flows`` that makes the flow, or changes the actions of an existing one."""
    table, priority, match, actions = flow
    command = "modify_strict" if modify else "add"
    return f"{command} table={table},priority={priority},{match},actions={actions}"


def flow_delete(key: FlowKey) -> str:
    """A line for ``ovs-ofctl add-flows`` that deletes exactly the flow with this key."""
    table, priority, match = key
    return f"delete_strict table={table},priority={priority},{match}"
