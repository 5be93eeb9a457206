"""What is wrong with ports, and what follows from it; nothing else depends on these rules."""

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from ovn_rules.engine import _, pure, rule
from ovn_rules.rules.ovn.addresses import (
    bare,
    begins_with_mac,
    is_dynamic,
    left_over,
    mac_of,
    network_of,
    parse_addresses,
)
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.datapaths import refused_key
from ovn_rules.rules.ovn.options import whole
from ovn_rules.rules.ovn.port_chassis import requested
from ovn_rules.rules.ovn.port_keys import Elsewhere
from ovn_rules.rules.ovn.port_tags import ContainerTag
from ovn_rules.rules.ovn.relations import (
    Attached,
    DatapathKey,
    NamedRouterPort,
    PortKey,
    Problem,
    RouterPeer,
    RouterPort,
    SwitchPort,
)
from ovn_rules.rules.ovn.router_links import PatchPeer

_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_USUAL = re.compile(
    rf"(?:[0-9a-fA-F]{{2}}:){{5}}[0-9a-fA-F]{{2}}(?: {_BYTE}(?:\.{_BYTE}){{3}})*|unknown|router", re.ASCII
)
"""Addresses as nearly all are; the others are looked at more closely."""

_MAC = re.compile(r"[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}")


# -- switch ports ----------------------------------------------------------------------------------------------------


@pure
def faults(texts: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with a port's addresses."""
    return tuple(_fault(text) for text in texts if not _USUAL.fullmatch(text) and not is_dynamic(text) and _fault(text))


def _fault(text: str) -> str:
    found = parse_addresses(text)
    if not found:
        return f"left out address '{text}': it should begin with an Ethernet address"
    if rest := left_over(text):
        return f"of address '{text}' the end is left out: '{rest}' isn't an IP address"
    ((mac, v4, v6),) = found
    written = {word.partition("/")[0].lower() for word in text.split()}
    read = (mac, *bare(v4), *bare(v6))
    if {mac_of(word) if _MAC.fullmatch(word) else _canonical(word) for word in written} == set(read):
        return ""
    return f"address '{text}' is read as '{' '.join(read)}'"


def _canonical(word: str) -> str:
    """An IP address as it is usually written; empty when it is none."""
    family = AF_INET6 if ":" in word else AF_INET
    try:
        return inet_ntop(family, inet_pton(family, word))
    except OSError:
        return ""


@rule
def unread_address(port, name, texts, fault):
    """An address that can't be read is none."""
    Problem(f"port {name}", fault) <= (
        nb.Logical_Switch_Port(_uuid=port, addresses=texts)
        & (fault in faults(texts))
        & SwitchPort(port=port, name=name)
    )


@pure
def security_faults(entries: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with a port's port_security."""
    odd = (entry for entry in entries if ":" not in entry or not _USUAL.fullmatch(entry))
    return tuple(fault for entry in odd if (fault := _security_fault(entry)))


def _security_fault(entry: str) -> str:
    if not begins_with_mac(entry):
        return f"no Ethernet address in '{entry}' of port_security: the entry allows nothing"
    rest = left_over(entry)
    return f"of '{entry}' in port_security the end is left out: '{rest}' isn't an IP address" if rest else ""


@rule
def unread_security(port, name, entries, fault):
    """An entry of port_security without an Ethernet address allows nothing; an address that can't be read is none."""
    Problem(f"port {name}", fault) <= (
        nb.Logical_Switch_Port(_uuid=port, port_security=entries)
        & (fault in security_faults(entries))
        & SwitchPort(port=port, name=name)
    )


@rule
def missing_router_port(port, name, other):
    """A port to a router that isn't there leads nowhere."""
    Problem(f"port {name}", f"leads nowhere: there is no router port '{other}' that takes part") <= (
        SwitchPort(port=port, name=name, type="router")
        & nb.Logical_Switch_Port.options(port, "router-port", other)
        & ~RouterPort(name=other)
    )


@rule
def refused_port_key(port, name, text, key):
    """A tunnel key that can't be had is said."""
    Problem(f"port {name}", refused_key(text, key)) <= (
        nb.Logical_Switch_Port.options(port, "requested-tnl-key", text)
        & PortKey(port=port, key=key)
        & (key != whole(text, 0))
        & SwitchPort(port=port, name=name)
    )
    Problem(f"router port {name}", refused_key(text, key)) <= (
        nb.Logical_Router_Port.options(port, "requested-tnl-key", text)
        & PortKey(port=port, key=key)
        & (key != whole(text, 0))
        & RouterPort(port=port, name=name)
    )


@rule
def port_without_key(switch, port, name):
    """Tunnel keys may run out."""
    Problem(f"port {name}", "left out: all tunnel keys of its switch are taken") <= (
        nb.Logical_Switch.ports(switch, port)
        & ~PortKey(port=port)
        & DatapathKey(switch, _)
        & nb.Logical_Switch_Port(_uuid=port, name=name)
    )
    Problem(f"router port {name}", "left out: all tunnel keys of its router are taken") <= (
        NamedRouterPort(port=port, name=name) & ~PortKey(port=port)
    )


@rule
def unknown_chassis(port, name, text, chassis):
    """A host that isn't there yet can't have a port."""
    Problem(f"port {name}", f"asks for chassis '{chassis}', which isn't there") <= (
        nb.Logical_Switch_Port.options(port, "requested-chassis", text)
        & ((_, chassis) in requested(text))
        & ~sb.Chassis(name=chassis)
        & ~sb.Chassis(hostname=chassis)
        & SwitchPort(port=port, name=name)
    )


@rule
def container_without_tag(port, name, parent):
    """A parent has 4095 tags for its containers."""
    Problem(f"port {name}", f"has no tag: all those of its parent {parent} are taken") <= (
        nb.Logical_Switch_Port.tag_request(port, 0)
        & nb.Logical_Switch_Port.parent_name(port, parent)
        & (parent != "")
        & nb.Logical_Switch_Port(_uuid=port, name=name, tag=())
        & ~ContainerTag(parent, str(port), _)
    )


# -- router ports ----------------------------------------------------------------------------------------------------


@rule
def unread_router_mac(router, port, name, text):
    """Without an Ethernet address, a router port takes no part."""
    Problem(f"router port {name}", f"left out: '{text}' isn't an Ethernet address") <= (
        nb.Logical_Router_Port(_uuid=port, name=name, mac=text)
        & (mac_of(text) == "")
        & nb.Logical_Router.ports(router, port)
        & DatapathKey(router, _)
    )


@pure
def unread_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a router port's networks that can't be read, or have no address."""
    return tuple(text for text in texts if not (network := network_of(text)) or not network[0][0].strip("0."))


@rule
def unread_network(port, name, texts, text):
    """A network that can't be read is none; the others of its port count."""
    Problem(
        f"router port {name}", f"left out network '{text}': it should be an address and a prefix, as 10.0.0.1/24"
    ) <= (
        RouterPort(port=port, name=name)
        & nb.Logical_Router_Port(_uuid=port, networks=texts)
        & (text in unread_networks(texts))
    )


@rule
def router_port_name_taken(name):
    """Names are unique among switch ports and router ports; the switch port has it."""
    Problem(f"router port {name}", "left out: a switch port has its name") <= (
        nb.Logical_Router_Port(name=name) & nb.Logical_Switch_Port(name=name)
    )


@rule
def missing_peer(port, name, other):
    """A router port's peer is a router port."""
    Problem(f"router port {name}", f"has no peer: '{other}' isn't a router port that takes part") <= (
        nb.Logical_Router_Port.peer(port, other) & ~RouterPeer(port, _) & RouterPort(port=port, name=name)
    )


@rule
def router_port_shared(port, name, end, first, other):
    """A router port has one peer; of several that name it the first by name counts as that."""
    Problem(f"router port {name}", f"is named by port {first} and by port {other}; it can be the peer of one") <= (
        PatchPeer(port, first)
        & Attached(end, port)
        & SwitchPort(port=end, name=other)
        & (other != first)
        & RouterPort(port=port, name=name)
    )


@rule
def listed_twice(port, name):
    """A port is one switch's or one router's, ovn-nb(5)."""
    Problem(f"port {name}", "several switches list it; the first by UUID has it") <= (
        Elsewhere(_, port) & nb.Logical_Switch_Port(_uuid=port, name=name)
    )
    Problem(f"router port {name}", "several routers list it; the first by UUID has it") <= (
        Elsewhere(_, port) & nb.Logical_Router_Port(_uuid=port, name=name)
    )
