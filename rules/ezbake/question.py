"""What is to be traced: ``DATAPATH MICROFLOW``, or ``DATAPATH PORT PORT`` for short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ovn_rules.engine.errors import QuestionError, did_you_mean
from ovn_rules.rules.lflow import EZBAKE, LflowError
from ovn_rules.rules.lflow.expressions import quoted
from ovn_rules.rules.lflow.microflow import parse_microflow
from ovn_rules.rules.openflow import Packet
from ovn_rules.rules.openflow.fields import FRAGMENT, LATER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.rules.ezbake.network import Network

ETHERNET = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
UUID = re.compile(r"[0-9a-f-]{4,36}")
MICROFLOW = re.compile(r"[!(]*[A-Za-z_][\w.]*(\[[\d.]*\])?\s*([=!<>]=|[<>]|&&|\|\|)|[!(]*\d\S*\s*[=!<>]")
"""How a text begins that is a microflow."""

USAGE = "what is needed: DATAPATH MICROFLOW, such as net-a 'inport == \"vm1\" && ip4', or DATAPATH PORT PORT"


@dataclass(frozen=True, slots=True)
class Question:
    """A packet that a logical port sends.

    Attributes:
        datapath: UUID of the port's logical switch.
        port: the port.
        microflow: the microflow, also where it was given for short.
        packet: the frame as the port's machine or container makes it.
    """

    datapath: str
    port: str
    microflow: str
    packet: Packet


def read(network: Network, text: str) -> Question:
    """Reads what is to be traced.

    The datapath is a logical switch's name or UUID, or the beginning of one; it may be left out before a microflow.
    In ``PORT PORT`` the first one's address is the source and the second one's, which may be given itself, the
    destination.

    Raises:
        QuestionError: there is no such switch or port, or the microflow isn't one.
    """
    datapath, start = _datapath(network, text)
    rest = text[start:].rstrip()
    if len(rest) > 1 and rest[0] == rest[-1] == "'":  # as a shell wants it, where none is
        start, rest = start + 1, rest[1:-1]
    if not rest.strip():
        raise QuestionError("there is no packet to trace", text, start, hint=USAGE)
    if "=" not in rest:
        rest, start, text = _pair(network, datapath, text, start), 0, ""
    try:
        microflow = parse_microflow(rest, EZBAKE)
    except LflowError as error:
        raise QuestionError(error.message.rstrip("."), text, start + error.position) from error
    port = microflow.inport
    own = network.datapath_of(port)
    if own is None or datapath not in (None, own):
        where = f"logical switch {network.switch_name(datapath)}" if datapath else "the network"
        known = network.ports(datapath) if datapath else [fact[0] for fact in network.engine.facts("Port")]
        hint = did_you_mean(port, known) if own is None else f"it is on {network.switch_name(own)}"
        raise QuestionError(f"{where} has no port {quoted(port)}", text, start + microflow.position, hint=hint)
    packet = Packet(microflow.cube[0])
    if packet.bits & LATER:
        packet = Packet(packet.bits | FRAGMENT)
    return Question(own, port, rest.strip(), packet)


def _datapath(network: Network, text: str) -> tuple[str | None, int]:
    """The logical switch that a text begins with, and where the rest begins; None for a text that names none."""
    begin = len(text) - len(text.lstrip())
    asked = text[begin:]
    switches = network.switches()
    named = [n for n in switches if n and asked.startswith(n) and (asked == n or asked[len(n)].isspace())]
    if named:
        name = max(named, key=len)
        if len(switches[name]) > 1:
            hint = f"give one of their UUIDs: {_listed(switches[name])}"
            raise QuestionError(f"several logical switches are called {name}", text, begin, begin + len(name), hint)
        return switches[name][0], _after(text, begin + len(name))
    word = asked.split(maxsplit=1)[0] if asked else ""
    end = begin + len(word)
    if UUID.fullmatch(word):
        known = {u for uuids in switches.values() for u in uuids}
        known |= {fact[0] for fact in network.engine.facts("DatapathNumber")}
        found = sorted(u for u in known if u.startswith(word))
        if len(found) > 1:
            raise QuestionError(f"several logical switches have a UUID like this: {_listed(found)}", text, begin, end)
        if found:
            return found[0], _after(text, end)
    if MICROFLOW.match(asked):
        return None, begin
    if not word:
        raise QuestionError("there is nothing to trace", text, hint=USAGE)
    if not switches:
        hint = "names stand in the northbound database: give it with --nb, or a UUID here"
    else:
        names = [name for name in switches if name]
        hint = did_you_mean(word, names) or f"there is {_listed(names)}"
    raise QuestionError(f"no logical switch {word}", text, begin, end, hint)


def _after(text: str, end: int) -> int:
    return len(text) - len(text[end:].lstrip())


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")


def _pair(network: Network, datapath: str | None, text: str, start: int) -> str:
    """The microflow of a frame from one port to another; port names may have blanks in them."""
    known = set(network.ports(datapath)) if datapath else set()
    words = [m.span() for m in re.finditer(r"\S+", text[start:])]
    for (_, end), (begin, _) in pairwise(words):
        source, target = text[start:][:end], text[start:][begin:].rstrip()
        if source in known and (target in known or ETHERNET.fullmatch(target)):
            to = target.lower() if target not in known else _address(network, target, text)
            return f"inport == {quoted(source)} && eth.src == {_address(network, source, text)} && eth.dst == {to}"
    for i, (begin, end) in enumerate(words):
        word = text[start:][begin:end]
        if len(words) == 2 and word not in known and not (i and ETHERNET.fullmatch(word)):
            name = network.switch_name(datapath) if datapath else ""
            hint = did_you_mean(word, known)
            raise QuestionError(f"logical switch {name} has no port {word}", text, start + begin, start + end, hint)
    raise QuestionError("this is neither a microflow nor two ports", text, start, len(text), USAGE)


def _address(network: Network, port: str, text: str) -> str:
    found = network.address(port)
    if found is not None:
        return found
    known = network.has("nb.Logical_Port.macs")
    message = f"port {port} has no Ethernet address" if known else "addresses stand in the northbound database"
    hint = "say eth.src and eth.dst in a microflow" + ("" if known else ", or give it with --nb")
    raise QuestionError(message, text, max(text.find(port), 0), hint=hint)
