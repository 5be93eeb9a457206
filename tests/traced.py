"""``ovs-appctl ofproto/trace`` on a real switch, and what it says as data."""

import contextlib
import json
import re
import socket
from typing import NamedTuple

from ovn_rules.rules.tracing import End, Stage

OUTPUT = re.compile(r"^ +output:(\d+)$")


class Traced(NamedTuple):
    """What a switch did with a packet.

    Attributes:
        events: in order ``(table, priority, match)``, with None for priority and match of a miss, and ``(port, sent)``.
        final: the packet at the end, as the switch prints it.
        text: all that was said.
    """

    events: list
    final: str
    text: str

    @property
    def lookups(self):
        """The tables looked at, with priority and match of what was found."""
        return [e for e in self.events if len(e) == 3]

    @property
    def outputs(self):
        """The ports that the packet was sent out of."""
        return [port for port, sent in (e for e in self.events if len(e) == 2) if sent]


def ask(control, *words):
    """A server's answer to a control command, without starting ovs-appctl, which takes ten times as long."""
    request = {"id": 0, "method": words[0], "params": list(words[1:])}
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(30)
        peer.connect(str(control))
        peer.sendall(json.dumps(request).encode())
        data = bytearray()
        while chunk := peer.recv(1 << 20):
            data += chunk
            if data.endswith(b"}"):
                with contextlib.suppress(json.JSONDecodeError):
                    reply = json.loads(data)
                    break
    assert reply["error"] is None, (words, reply["error"])
    return reply["result"]


def trace(control, packet, bridge="br-int"):
    """Follows a packet through a bridge.

    Args:
        control: the control socket of ovs-vswitchd.
        packet: the packet, as ovs-ofctl(8) has flows.
        bridge: the bridge's name.
    """
    text = ask(control, "ofproto/trace", bridge, packet)
    events, flow, other = [], "", None
    lines = text.splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        indent = len(line) - len(line.lstrip())
        if found := re.match(r'^ *bridge\("(.*)"\)', line):
            other = indent if found[1] != bridge else None  # what carries a tunnel's packets, indented by so much
        elif other is not None and line and (indent < other or line.startswith("Final flow: ")):
            other = None
        if other is not None:
            continue
        if found := re.match(r"^ *(\d+)\. No match\.$", line):
            events.append((int(found[1]), None, None))
        elif found := re.match(r"^ *(\d+)\. (?:(.*), )?priority (\d+)", line):
            events.append((int(found[1]), int(found[3]), found[2] or ""))
        elif found := OUTPUT.match(line):
            events.append((int(found[1]), ">> skipping output to input port" not in after))
        elif line.startswith("Flow: "):
            flow = line.removeprefix("Flow: ")
        elif line.startswith("Final flow: "):
            final = line.removeprefix("Final flow: ")
    return Traced(events, flow if final == "unchanged" else final, text)


def visits(visit):
    """A visit of ours, and those of other hosts that come of it."""
    found, stages = [visit], [visit.first]
    while stages:
        for result in stages.pop().results:
            if isinstance(result, Stage):
                stages.append(result)
            elif isinstance(result, End) and result.visit is not None:
                found += visits(result.visit)
    return found


def events_of(stage):
    """What we say happened from a stage on, in the form of ``Traced``."""
    found = [(stage.table, stage.flow.priority, stage.flow.match) if stage.flow else (stage.table, None, None)]
    for result in stage.results:
        if isinstance(result, Stage):
            found += events_of(result)
        elif isinstance(result, End):
            found.append((result.number, result.kind != "back"))
    return found
