"""OpenFlow tables 16 and up: each logical flow as flows of the integration bridge.

A logical flow names ports; flows carry their keys. So the names in a match or in actions are found first, and the
text is translated with the keys of just those ports: when a port comes or goes, only what names it changes.
"""

import re
import zlib
from functools import lru_cache

from ovn_rules.engine import _, allocate, collect, every, pure, rule
from ovn_rules.rules.ezbake.relations import (
    ActiveChassis,
    ConjunctionHint,
    ConjunctionId,
    DatapathNumber,
    FlowHint,
    KnownPorts,
    Mention,
    OpenFlow,
    Pipeline,
    Port,
    PortsOf,
    Problem,
    SharedFlow,
    StoredNumber,
    TaggedHere,
    TranslatedFlow,
    WantedFlow,
)
from ovn_rules.rules.lflow import flows as lflow

Ports = tuple[tuple[str, int], ...]
Flows = tuple[tuple[str, str], ...]

CONJUNCTION_IDS = 2**20 - 1

# A flow that goes is translated like when it came; what has changed lately changes again.
_openflow = lru_cache(maxsize=4096)(lflow.openflow)
_problem = lru_cache(maxsize=4096)(lflow.problem)

_ADDRESS_AND_MORE = re.compile(r"(eth\.dst == (?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}) .*", re.DOTALL)
_METADATA = re.compile(r"(?:^|,)(?:metadata=(0x[0-9a-f]+)|set_field:(0x[0-9a-f]+)->metadata)(?=,|$)")
_KEY = re.compile(r"(?:^|,)(?:reg[67]=(0x[0-9a-f]+)|set_field:(0x[0-9a-f]+)->reg[67])(?=,|$)")
_COPY = re.compile(r"set_field:0x[0-9a-f]+->reg7,.*?(?=set_field:0x[0-9a-f]+->reg7,|$)")
_OUTPORT = re.compile(r"set_field:(0x[0-9a-f]+)->reg7")


@pure
def readable(match: str) -> str:
    """A match as it is read: what follows the Ethernet address of a "MAC IP" entry is no part of it."""
    found = _ADDRESS_AND_MORE.fullmatch(match)
    return found[1] if found else match


@pure
def ports_in(text: str) -> tuple[str, ...]:
    """The port names in a match or in actions."""
    return lflow.ports_in(text)


@pure
def flows(match: str, actions: str, table: int, datapath: int, ports: Ports, conj_id: int) -> Flows:
    """A logical flow as pairs of OpenFlow match and actions."""
    return _openflow(readable(match), actions, table, datapath, ports, conj_id)


@pure
def conjunctive(match: str, actions: str, ports: Ports) -> bool:
    """Whether a match must be spread over several dimensions to stay small."""
    return lflow.needs_conjunction(readable(match), ports, actions)


@pure
def problem(match: str, actions: str, table: int) -> str:
    """What is wrong with a logical flow; empty for nothing."""
    return _problem(readable(match), actions, table)


@pure
def is_share(actions: str) -> bool:
    """Whether a flow is one dimension of a conjunction."""
    return actions.startswith("conjunction(")


@pure
def rank(actions: str) -> int:
    """Which of several flows with one match is kept: one that drops, else that of the smallest tunnel key."""
    if actions == "drop":
        return 0
    keys = [int(k, 16) for k in _OUTPORT.findall(actions)]
    return min(keys, default=1)


@pure
def is_flood(actions: str) -> bool:
    """Whether logical actions multiply a frame."""
    return actions.count("next;") > 1


@pure
def last(actions: str, keys: tuple[int, ...]) -> str:
    """The actions of a flood with the copies for some ports after all others."""
    late = {f"set_field:{key:#x}->reg7" for key in keys}
    copies = [copy.rstrip(",") for copy in _COPY.findall(actions)]
    return ",".join(sorted(copies, key=lambda copy: copy.partition(",")[0] in late))


@pure
def likely_id(datapath: str, table: int, priority: int, match: str) -> int:
    """The conjunction id to try first: it depends on the logical flow alone."""
    return zlib.crc32(f"{datapath} {table} {priority} {match}".encode()) % CONJUNCTION_IDS + 1


def numbers_in(match: str, actions: str) -> tuple[tuple[int, int], ...]:
    """The (port key, datapath number) that a flow found on a switch holds, if it holds both."""
    number = _METADATA.search(match) or _METADATA.search(actions)
    key = _KEY.search(match) or _KEY.search(actions)
    if number is None or key is None:
        return ()
    return ((int(key[1] or key[2], 16), int(number[1] or number[2], 16)),)


# -- numbers of logical switches -------------------------------------------------------------------------------


@rule
def stored_number(datapath, key, number):
    """A logical switch keeps the number that it has in the flows found on the switch."""
    StoredNumber(datapath, number) <= FlowHint(key, number) & Port(key=key, datapath=datapath)


@rule
def datapath_number(datapath):
    """Every logical switch with a port has a number of its own on this host, for metadata."""
    DatapathNumber(datapath, allocate(1, 16777215, StoredNumber)) <= Port(datapath=datapath)


# -- the ports that a logical flow names -----------------------------------------------------------------------


@rule
def mention(match, actions, port):
    """A logical flow names ports in its match and in its actions."""
    Mention(match, port) <= Pipeline(match=match) & (port in ports_in(match))
    Mention(actions, port) <= Pipeline(actions=actions) & (port in ports_in(actions))


@rule
def known_ports(text, port, key):
    """Of the ports that are named, those that exist have a key."""
    KnownPorts(text, collect((port, key))) <= Mention(text, port) & Port(name=port, key=key)


@rule
def ports_of(text, ports):
    """A text that names ports is translated with the keys of those."""
    PortsOf(text, ports) <= KnownPorts(text, ports)


@rule
def no_ports(match, actions):
    """A text that names no port, or none that exists, is translated without keys: it matches no port."""
    PortsOf(match, ()) <= Pipeline(match=match) & ~KnownPorts(match, _)
    PortsOf(actions, ()) <= Pipeline(actions=actions) & ~KnownPorts(actions, _)


# -- conjunctions ----------------------------------------------------------------------------------------------


@rule
def conjunction_hint(datapath, table, priority, match, actions, ports, number):
    """A conjunction's id depends on its logical flow, so that it is the same after a restart."""
    ConjunctionHint(datapath, table, priority, match, number) <= (
        Pipeline(datapath, table, priority, match, actions)
        & PortsOf(match, ports)
        & conjunctive(match, actions, ports)
        & (number == likely_id(datapath, table, priority, match))
    )


@rule
def conjunction_id(datapath, table, priority, match):
    """No two conjunctions have the same id, even when the same one is likely for both."""
    ConjunctionId(datapath, table, priority, match, allocate(1, 1048575, ConjunctionHint)) <= ConjunctionHint(
        datapath, table, priority, match, _
    )


# -- flows -----------------------------------------------------------------------------------------------------


@rule
def translated(datapath, number, table, priority, match, actions, of_match, of_actions, named, used):
    """Every logical flow of a switch with ports becomes flows."""
    TranslatedFlow(datapath, table, priority, match, actions, of_match, of_actions) <= (
        Pipeline(datapath, table, priority, match, actions)
        & ~ConjunctionHint(datapath, table, priority, match, _)
        & DatapathNumber(datapath, number)
        & PortsOf(match, named)
        & PortsOf(actions, used)
        & ((of_match, of_actions) in flows(match, actions, table, number, named + used, 0))
    )


@rule
def translated_conjunction(
    datapath, number, table, priority, match, actions, of_match, of_actions, named, used, conj_id
):
    """A logical flow that would be too many flows is spread over dimensions; where all meet, its actions are done."""
    TranslatedFlow(datapath, table, priority, match, actions, of_match, of_actions) <= (
        Pipeline(datapath, table, priority, match, actions)
        & ConjunctionId(datapath, table, priority, match, conj_id)
        & DatapathNumber(datapath, number)
        & PortsOf(match, named)
        & PortsOf(actions, used)
        & ((of_match, of_actions) in flows(match, actions, table, number, named + used, conj_id))
    )


@rule
def logical_flow(chassis, table, priority, match, actions, of_match, of_actions):
    """Every host has the flows of every logical switch, in table 16 and up."""
    WantedFlow(chassis, 16 + table, priority, of_match, rank(of_actions), of_actions, match, actions) <= (
        TranslatedFlow(_, table, priority, match, actions, of_match, of_actions)
        & ~is_flood(actions)
        & ~is_share(of_actions)
        & every(ActiveChassis(chassis, _, _))
    )


@rule
def flood_flow(chassis, datapath, table, priority, match, actions, of_match, of_actions, late):
    """A flood comes last to the containers whose frames this host tags: a tag that is put on stays on."""
    WantedFlow(chassis, 16 + table, priority, of_match, rank(of_actions), of_actions, match, actions) <= (
        TranslatedFlow(datapath, table, priority, match, actions, of_match, of_actions)
        & is_flood(actions)
        & ~is_share(of_actions)
        & every(ActiveChassis(chassis, _, _))
        & ~TaggedHere(chassis, datapath, _)
    )
    WantedFlow(chassis, 16 + table, priority, of_match, rank(of_actions), last(of_actions, late), match, actions) <= (
        TranslatedFlow(datapath, table, priority, match, actions, of_match, of_actions)
        & is_flood(actions)
        & ~is_share(of_actions)
        & TaggedHere(chassis, datapath, late)
    )


@rule
def dimension(chassis, table, priority, of_match, share):
    """One dimension of a conjunction; conjunctions that share it stand in one flow."""
    SharedFlow(chassis, 16 + table, priority, of_match, ",".join(collect(share))) <= (
        TranslatedFlow(_, table, priority, _, _, of_match, share)
        & is_share(share)
        & every(ActiveChassis(chassis, _, _))
    )


@rule
def shared_flow(chassis, table, priority, match, actions):
    """A dimension of conjunctions is a flow; where a flow of the whole match drops or delivers, that counts."""
    WantedFlow(chassis, table, priority, match, 16777216, actions, "", "") <= SharedFlow(
        chassis, table, priority, match, actions
    )


@rule
def openflow(chassis, table, priority, match, actions):
    """Of the flows wanted with one match, the switch gets one: what drops, else what has the smallest tunnel key."""
    OpenFlow(chassis, table, priority, match, actions) <= WantedFlow(
        chassis=chassis, table=table, priority=priority, match=match, actions=actions
    )


@rule
def unreadable(table, match, actions, text):
    """A logical flow that can't be read is left out, and all others go on."""
    Problem(f"Pipeline table {table} match '{match}'", f"left out: {text}") <= (
        Pipeline(table_id=table, match=match, actions=actions) & (text == problem(match, actions, table)) & (text != "")
    )
