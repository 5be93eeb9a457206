"""IPAM: switches that have addresses for their ports, as other_config of Logical_Switch says; ovn-nb(5).

Ports that ask for an address get an IPv4 address as in ``ipam_v4``, and the rest as in ``ipam_macs``.
"""

import re

from ovn_rules.engine import Relation, Uuid, column, pure, rule
from ovn_rules.rules.ovn.addresses import ipv4_of, network_of, number_of
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import Options, is_true
from ovn_rules.rules.ovn.relations import Problem

Ranges = tuple[tuple[int, int], ...]
"""First and last IPv4 addresses, as numbers."""

_IP = r"(\d+(?:\.\d+){3}|[0-9a-fA-F:]+)(?![\w:/])"
_EXCLUDED = re.compile(rf"\s*{_IP}(?:\s*(\.\.)(?:\s*{_IP})?)?", re.ASCII)


class Ipam(Relation, key=("switch",)):
    """A switch that has addresses for its ports."""

    switch: Uuid = column("the switch")
    v6: str = column("its IPv6 prefix of 64 bits, as an address; empty without one")


class Subnet(Relation, key=("switch",)):
    """The IPv4 addresses that a switch has for its ports."""

    switch: Uuid = column("the switch")
    first: int = column("the lowest, which is a router's")
    last: int = column("the highest, broadcasts left out")
    excluded: Ranges = column("those in between that are somebody else's")


@pure
def ipam_of(config: Options) -> tuple[str, ...]:
    """The IPv6 prefix of a switch's other_config, or "" without one; nothing when the switch has no addresses."""
    given = dict(config)
    prefix = prefix_of(given.get("ipv6_prefix", ""))
    if prefix or subnet_of(config):
        return (prefix,)
    only_macs = "subnet" not in given and "ipv6_prefix" not in given and is_true(given.get("mac_only", ""))
    return ("",) if only_macs else ()


@pure
def prefix_of(text: str) -> str:
    """The first 64 bits of an IPv6 prefix, which must have that length if it has one; empty when it can't be read."""
    found = network_of(text)
    if not found or ":" not in found[0][0] or ("/" in text and found[0][2] != 64):
        return ""
    return network_of(f"{found[0][0]}/64")[0][1]


@pure
def subnet_of(config: Options) -> tuple[tuple[int, int, Ranges], ...]:
    """The first and the last address of a switch's subnet, and what is excluded; nothing without one."""
    given = dict(config)
    found = network_of(given.get("subnet", ""))
    if not found or ":" in found[0][0] or found[0][2] == 32:
        return ()
    first = number_of(found[0][1]) + 1
    return ((first, first + (1 << (32 - found[0][2])) - 3, exclusions(given.get("exclude_ips", ""))[0]),)


@pure
def exclusions(text: str) -> tuple[Ranges, str]:
    """The IPv4 ranges of ``ADDRESS[..ADDRESS] …``, and from where on the text can't be read."""
    found: Ranges = ()
    position = 0
    while position < len(text.rstrip()):
        word = _EXCLUDED.match(text, position)
        if word is None or (word[2] and not word[3]):
            break
        bounds = (word[1], word[3] or word[1])
        if all("." in bound for bound in bounds):
            found = (*found, (number_of(network_of(bounds[0])[0][0]), number_of(network_of(bounds[1])[0][0])))
        position = word.end()
    return found, text[position:].strip()


@rule
def ipam(switch, config, v6):
    """A switch has addresses for its ports when it says from where: a subnet, an IPv6 prefix, or nothing but MACs."""
    Ipam(switch, v6) <= nb.Logical_Switch(_uuid=switch, other_config=config) & (v6 in ipam_of(config))


@rule
def ipam_subnet(switch, config, first, last, excluded):
    """IPv4 addresses come from a subnet, without those that are excluded."""
    Subnet(switch, first, last, excluded) <= (
        nb.Logical_Switch(_uuid=switch, other_config=config) & ((first, last, excluded) in subnet_of(config))
    )


@pure
def mistakes(config: Options) -> tuple[str, ...]:
    """What can't be used of a switch's other_config."""
    given = dict(config)
    found = []
    if "subnet" in given and not subnet_of(config):
        found.append(f"subnet {given['subnet']} is no IPv4 subnet; no IPv4 addresses are given")
    if "ipv6_prefix" in given and not prefix_of(given["ipv6_prefix"]):
        found.append(f"ipv6_prefix {given['ipv6_prefix']} is no IPv6 prefix of 64 bits; no IPv6 addresses are given")
    for first, last, excluded in subnet_of(config):
        outside = [f"{ipv4_of(low)}..{ipv4_of(high)}" for low, high in excluded if high < max(low, first) or low > last]
        wrong = [exclusions(given.get("exclude_ips", ""))[1], *outside]
        found += [
            f"exclude_ips: {text} is no address or range of the subnet, and is left out" for text in wrong if text
        ]
    return tuple(found)


@rule
def wrong_ipam(name, config, text):
    """What can't be read is left out, and said."""
    Problem(f"Logical_Switch {name}", text) <= (
        nb.Logical_Switch(name=name, other_config=config) & (text in mistakes(config))
    )
