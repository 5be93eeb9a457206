"""Addresses of logical ports, and what is wrong with them."""

import re
from json.encoder import encode_basestring

from ovn_rules.engine import pure, rule
from ovn_rules.rules.ezbake.databases import nb
from ovn_rules.rules.ezbake.relations import Problem

_MAC = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}")


@pure
def quoted(name: str) -> str:
    r"""A port name as a string of the logical flow language: a JSON string, other than ASCII unescaped."""
    return encode_basestring(name)


@pure
def is_mac(entry: str) -> bool:
    """Whether an entry of ``macs`` starts with an Ethernet address: six hex bytes and colons."""
    return _MAC.match(entry) is not None


@pure
def only_from(field: str, entries: tuple[str, ...]) -> str:
    """The part of a match that admits the Ethernet addresses among port_security's entries; "" for none."""
    found = [m[0] for e in entries if (m := _MAC.match(e))]
    if not found:
        return ""
    return f" && {field} == {{{' '.join(map(_canonical, found))}}}"


def _canonical(mac: str) -> str:
    if len(mac) == 17:
        return mac.lower()
    return ":".join(byte.zfill(2) for byte in mac.lower().split(":"))


@rule
def invalid_address(port, name, entry):
    """An address that is neither "unknown" nor starts with a MAC gets no flow."""
    Problem(name, f"invalid syntax '{entry}' in macs column") <= (
        nb.Logical_Port.macs(port, entry)
        & (entry != "unknown")
        & ~is_mac(entry)
        & nb.Logical_Port(_uuid=port, name=name)
    )


@rule
def duplicate_address(mac, first, second, switch, name, other):
    """Two ports of a switch with one address: frames to it go to the port with the smaller tunnel key."""
    Problem(name, f"has the address {mac} that port {other} of the same switch has too") <= (
        nb.Logical_Port.macs(first, mac)
        & is_mac(mac)
        & nb.Logical_Port.macs(second, mac)
        & nb.Logical_Port(_uuid=first, name=name, lswitch=switch)
        & nb.Logical_Port(_uuid=second, name=other, lswitch=switch)
        & (name < other)
    )
