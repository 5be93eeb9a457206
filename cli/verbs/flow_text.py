"""Flows as tools print them: read whatever the form, so that a line can be pasted as it is.

Forms: ``ovs-ofctl dump-flows`` with any options and version of OpenFlow, ``ovs-appctl bridge/dump-flows``, lines of
``ovs-appctl ofproto/trace`` (ovs-vswitchd(8)), and ``ovn-rules derive``; for logical flows ``ovn-sbctl lflow-list`` and
the list, table, CSV and JSON forms of ovn-sbctl(8) and ovsdb-client(1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.row_text import RowText, read_rows
from ovn_rules.io.flows import DEFAULT_PRIORITY

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FlowText:
    """A flow that was pasted.

    Attributes:
        text: the line.
        table: its OpenFlow table.
        priority: its priority; None when neither a priority nor actions were pasted.
        match: the parts of its match, with the names of ports as they were.
        actions: its actions as OpenFlow 1.3 spells them, with the names of ports as they were; None when not pasted.
        chassis: the name before it, as in ``host1: table=0, ...``; empty for none.
        bridge: the bridge in the heading of a trace; empty for none.
    """

    text: str
    table: int
    priority: int | None
    match: tuple[str, ...]
    actions: str | None
    chassis: str = ""
    bridge: str = ""


_PART = re.compile(r'(?:"[^"]*"|\([^)]*\)|[^,\s"(])+')
_STATISTICS = re.compile(
    r"(?:cookie|duration|n_packets|n_bytes|n_offload_packets|n_offload_bytes|idle_age|hard_age|idle_timeout|"
    r"hard_timeout|importance|send_flow_rem|check_overlap|reset_counts|no_packet_counts|no_byte_counts|out_port|"
    r"out_group|flags)(?:=|$)"
)
_HEADING = re.compile(r"(?:NXST|OFPST)_FLOW reply|OFPST_FLOW_DESC reply|flags=\[more\]$")
_TRACED = re.compile(r"\s*(\d+)\. (?:(.*), )?priority (\d+)((?:, (?:cookie 0x[0-9a-fA-F]+|\S+ timeout \d+))*)\s*$")
_MISSED = re.compile(r"\s*(\d+)\. No match\.?\s*$")
_BRIDGE = re.compile(r'\s*bridge\("([^"]*)"\)\s*$')
_OLD_TRACE = re.compile(r"\s*Rule: (table=\d+ cookie=\S+ .*)$")
_PREFIX = re.compile(r"\s*(?!Rule:)([\w.-]+):(?:\s+|(?=(?:table|table_id|cookie|priority|duration|in_port)=))(?=\S)")
_CACHED = re.compile(r"recirc_id\(|(?:^|,)in_port\([^)]*\),|eth_type\(|used:(?:never|\d)|ufid:")
_FLOW = re.compile(r"(?:^|[\s,])(?:actions|table|table_id|priority)=")
_PATTERN = re.compile(r"\s*[^\W\d][\w.]*\s*\(.*\)\s*", re.DOTALL)


def looks_like_flow(text: str) -> bool:
    """Whether a text is rather a flow, or a row of logical flows, than a pattern."""
    lines = text.splitlines()
    if _CACHED.search(text) or any(_TRACED.match(x) or _MISSED.match(x) or _BRIDGE.match(x) for x in lines):
        return True  # even if it begins and ends like a pattern
    return not _PATTERN.fullmatch(text) and bool(_FLOW.search(text) or read_rows(text))


def read_flows(text: str) -> list[FlowText | RowText]:
    """The flows in a text, in order; each once.

    Raises:
        Failure: there is none; the text says why and what to do.
    """
    rows = read_rows(text)
    if rows:
        return list(rows)
    found: dict[FlowText, None] = {}
    bridge, missed = "", ""
    for line in text.splitlines():
        if heading := _BRIDGE.match(line):
            bridge = heading[1]
        elif _MISSED.match(line):
            missed = missed or line.strip()
        elif flow := _line(line, bridge):
            found[flow] = None
        elif _CACHED.search(line):
            raise Failure(
                "this is a datapath flow: what the switch remembers of a packet's way, made from several OpenFlow "
                "flows; paste those, as ovs-ofctl dump-flows or ovs-appctl ofproto/trace print them"
            )
    if not found and missed:
        raise Failure(f"{missed!r} is no flow: the packet met none there and was dropped; ask whynot for the flow")
    if not found:
        raise Failure(f"{text.strip()[:60]!r} is no flow that ovs-ofctl, ofproto/trace or ovn-sbctl print")
    return list(found)


def _line(line: str, bridge: str) -> FlowText | None:
    prefix = _PREFIX.match(line)
    chassis, rest = (prefix[1], line[prefix.end() :]) if prefix else ("", line)
    if traced := _TRACED.match(rest):
        return FlowText(line.strip(), int(traced[1]), int(traced[3]), _match(traced[2] or ""), None, chassis, bridge)
    if old := _OLD_TRACE.match(rest):
        rest = old[1]
    if _HEADING.search(rest) or not _FLOW.search(rest) or _CACHED.search(rest):
        return None
    return _dumped(line.strip(), rest, chassis, bridge)


def _dumped(text: str, line: str, chassis: str, bridge: str) -> FlowText:
    head, found, actions = line.partition("actions=")
    table, priority = "0", str(DEFAULT_PRIORITY) if found else None
    fields = []
    for part in _PART.findall(head):
        name, _, value = part.partition("=")
        if name in ("table", "table_id"):
            table = value
        elif name == "priority":
            priority = value
        elif not _STATISTICS.match(part):
            fields.append(part)
    if not table.isdecimal() or not (priority is None or priority.isdecimal()):
        raise Failure(f"{text[:60]!r}: table and priority are numbers")
    return FlowText(
        text,
        int(table),
        None if priority is None else int(priority),
        _match(",".join(fields)),
        canonical_actions(actions.strip()) if found else None,
        chassis,
        bridge,
    )


def _match(text: str) -> tuple[str, ...]:
    return tuple(part for part in _PART.findall(text) if part not in ("eth", "recirc_id=0"))


_FIELDS = {"OXM_OF_METADATA": "metadata", "NXM_NX_TUN_ID": "tun_id", "NXM_OF_IN_PORT": "in_port"}
_LOAD = re.compile(r"load:([^-,]+)->(\w+)\[\]")
_REGISTER = re.compile(r"NXM_NX_REG(\d+)")
_TAG = re.compile(r"mod_vlan_vid:(\d+)")


def canonical_actions(actions: str) -> str:
    """Actions as OpenFlow 1.3 spells them, from that or OpenFlow 1.0's spelling with Nicira's extensions.

    Args:
        actions: what follows ``actions=``.
    """

    def load(found: re.Match[str]) -> str:
        register = _REGISTER.fullmatch(found[2])
        name = f"reg{register[1]}" if register else _FIELDS.get(found[2])
        return f"set_field:{found[1]}->{name}" if name else found[0]

    actions = _LOAD.sub(load, actions)
    actions = _TAG.sub(lambda found: f"push_vlan:0x8100,set_field:{4096 + int(found[1])}->vlan_vid", actions)
    return re.sub(r"\bstrip_vlan\b", "pop_vlan", actions)


_OUTPUT = re.compile(r'output:("[^"]*"|[^,\s()]+)')


def names_ports(flow: FlowText) -> bool:
    """Whether a pasted flow has names of ports, which each host knows for itself."""
    ports = [p[8:] for p in flow.match if p.startswith("in_port=")] + _OUTPUT.findall(flow.actions or "")
    return any(not port.isdecimal() and port != "LOCAL" for port in ports)


def numbered(flow: FlowText, ports: Mapping[str, int]) -> tuple[tuple[str, ...], str | None]:
    """A pasted flow's match and actions with numbers for the names of ports.

    Args:
        flow: the flow.
        ports: OpenFlow port by name, of the switch that the flow may be on.
    """

    def number(name: str) -> str:
        name = name.strip('"')
        return name if name.isdecimal() else str(ports.get(name, name))

    match = tuple(f"in_port={number(p[8:])}" if p.startswith("in_port=") else p for p in flow.match)
    if flow.actions is None:
        return match, None
    return match, _OUTPUT.sub(lambda found: f"output:{number(found[1])}", flow.actions)
