"""Addresses as northbound columns write them: Ethernet addresses, IPv4 and IPv6 addresses with their networks."""

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from ovn_rules.engine import pure

Network = tuple[str, str, int]
"""An address, the network that it is in (host bits zero) and the length of that network's prefix."""

Addresses = tuple[str, tuple[Network, ...], tuple[Network, ...]]
"""An Ethernet address, IPv4 and IPv6 addresses in the order given."""

_MAC = re.compile(r"([0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5})(?:\s+|$)")


@pure
def mac_of(text: str) -> str:
    """An Ethernet address in the usual form, lower case with two digits a byte; empty when it is none."""
    found = _MAC.fullmatch(text)
    return ":".join(f"{int(byte, 16):02x}" for byte in found[1].split(":")) if found else ""


@pure
def network_of(text: str) -> tuple[Network, ...]:
    """``ADDRESS[/LENGTH]`` of IPv4 or IPv6, as a tuple of one; empty when it is neither.

    An IPv4 length may be written as a mask.
    """
    address, slash, length = text.partition("/")
    family, bits = (AF_INET6, 128) if ":" in address else (AF_INET, 32)
    try:
        packed = inet_pton(family, address)
        plen = _prefix_length(length, bits) if slash else bits
    except (OSError, ValueError):
        return ()
    if not 0 <= plen <= bits:
        return ()
    number = int.from_bytes(packed) >> (bits - plen) << (bits - plen)
    return ((inet_ntop(family, packed), inet_ntop(family, number.to_bytes(bits // 8)), plen),)


def _prefix_length(text: str, bits: int) -> int:
    if bits == 32 and "." in text:
        mask = int.from_bytes(inet_pton(AF_INET, text))
        inverse = mask ^ 0xFFFFFFFF
        if inverse & (inverse + 1):
            raise ValueError(text)
        return 32 - inverse.bit_length()
    if not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)


@pure
def parse_addresses(text: str) -> tuple[Addresses, ...]:
    """``MAC [IP…]`` as the addresses columns of ovn-nb(5) have it; empty without an Ethernet address.

    What follows the first word that is no IP address is left out, as ovn-northd does.
    """
    found = _MAC.match(text.strip())
    if found is None:
        return ()
    v4, v6 = [], []
    for word in text.strip()[found.end() :].split():
        network = network_of(word)
        if not network:
            break
        (v6 if ":" in word else v4).append(network[0])
    return ((mac_of(found[1]), tuple(v4), tuple(v6)),)


@pure
def link_local(mac: str) -> str:
    """The IPv6 link-local address made from an Ethernet address, RFC 4291 appendix A."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return inet_ntop(AF_INET6, b"\xfe\x80" + bytes(6) + interface)


@pure
def is_link_local(address: str) -> bool:
    """Whether an IPv6 address is in fe80::/10."""
    packed = inet_pton(AF_INET6, address)
    return packed[0] == 0xFE and packed[1] & 0xC0 == 0x80


@pure
def solicited_node(address: str) -> str:
    """The solicited-node multicast address of an IPv6 address, RFC 4291 section 2.7.1."""
    return inet_ntop(AF_INET6, inet_pton(AF_INET6, "ff02::1:ff00:0")[:13] + inet_pton(AF_INET6, address)[13:])


@pure
def multicast_mac(address: str) -> str:
    """The Ethernet address of an IPv6 multicast address, RFC 2464 section 7."""
    return ":".join(f"{byte:02x}" for byte in b"\x33\x33" + inet_pton(AF_INET6, address)[12:])


@pure
def broadcast(network: str, length: int) -> str:
    """The broadcast address of an IPv4 network."""
    number = int.from_bytes(inet_pton(AF_INET, network)) | ((1 << (32 - length)) - 1)
    return inet_ntop(AF_INET, number.to_bytes(4))


@pure
def mask_of(length: int) -> str:
    """The mask of an IPv4 prefix length, such as 255.255.255.0."""
    return inet_ntop(AF_INET, ((1 << 32) - (1 << (32 - length))).to_bytes(4))


@pure
def bare(networks: tuple[Network, ...]) -> tuple[str, ...]:
    """The addresses alone."""
    return tuple(address for address, _network, _length in networks)
