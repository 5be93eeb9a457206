"""Addresses as northbound columns write them: Ethernet addresses, IPv4 and IPv6 addresses with their networks.

ovn-northd reads numbers as C's scanf does: white space before a number doesn't matter, a sign may stand before it,
hexadecimal digits may begin with 0x, and of a byte that is too large the lowest eight bits count.
"""

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from ovn_rules.engine import pure

Network = tuple[str, str, int]
"""An address, the network that it is in (host bits zero) and the length of that network's prefix."""

Addresses = tuple[str, tuple[Network, ...], tuple[Network, ...]]
"""An Ethernet address, IPv4 and IPv6 addresses in the order given."""

_HEX = r"\s*([+-]?(?:0[xX][0-9a-fA-F]+|(?!0[xX])[0-9a-fA-F]+))"
_BYTE = r"\s*([+-]?[0-9]{1,1000})"
_DOTTED = r"\.".join([_BYTE] * 4)
_V6_TEXT = r"([0-9a-fA-F:.]{1,46})"
_MAC = re.compile(":".join([_HEX] * 6), re.ASCII)
_V4 = re.compile(rf"{_DOTTED}(?:/{_DOTTED}|/{_BYTE})?", re.ASCII)
_V6 = re.compile(rf"\s*{_V6_TEXT}(?:/{_BYTE}|/{_V6_TEXT})?", re.ASCII)
_DYNAMIC = re.compile(rf"dynamic(?:\s*{_DOTTED})?(?:\s*{_V6_TEXT})?|{':'.join([_HEX] * 6)}\s*dynamic", re.ASCII)
_BYTE_OF_V4 = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_USUAL = re.compile(rf"((?:[0-9a-f]{{2}}:){{5}}[0-9a-f]{{2}})(?: ({_BYTE_OF_V4}(?:\.{_BYTE_OF_V4}){{3}}))?")
"""Addresses as nearly all are: they are what they say, so that a large network is read in a third of the time."""


@pure
def mac_of(text: str) -> str:
    """An Ethernet address in the usual form, lower case with two digits a byte; empty when it is none."""
    found = _MAC.fullmatch(text)
    return _mac(found) if found else ""


@pure
def network_of(text: str) -> tuple[Network, ...]:
    """``ADDRESS[/LENGTH]`` of IPv4 or IPv6, as a tuple of one; empty when it is neither.

    The length may be written as a mask.
    """
    found = _V4.fullmatch(text)
    if found is not None and (network := _network_v4(found)):
        return network
    found = _V6.fullmatch(text)
    return _network_v6(found) if found is not None else ()


@pure
def begins_with_mac(text: str) -> bool:
    """Whether ``parse_addresses`` finds anything: an Ethernet address is first."""
    return _MAC.match(text) is not None


@pure
def parse_addresses(text: str) -> tuple[Addresses, ...]:
    """``MAC [IP…]`` as the addresses columns of ovn-nb(5) have it; empty without an Ethernet address.

    What follows the first part that is no IP address is left out, and so is an IPv4 address with an impossible
    prefix, as in ovn-northd.
    """
    if found := _USUAL.fullmatch(text):
        mac, ip = found.groups()
        return ((mac, ((ip, ip, 32),) if ip else (), ()),)
    found = _MAC.match(text)
    if found is None:
        return ()
    v4, v6, _end = _scan(text, found.end())
    return ((_mac(found), v4, v6),)


@pure
def parse_ips(text: str) -> tuple[tuple[Network, ...], tuple[Network, ...]]:
    """``IP [IP…]``: IPv4 and IPv6 addresses, read as ``parse_addresses`` does."""
    v4, v6, _end = _scan(text, 0)
    return v4, v6


@pure
def left_over(text: str) -> str:
    """What ``parse_addresses`` leaves out at the end of a text that begins with an Ethernet address."""
    found = _MAC.match(text)
    return text[_scan(text, found.end())[2] :].strip() if found is not None else ""


@pure
def is_dynamic(text: str) -> bool:
    """Whether an entry of addresses asks for an address: ``dynamic [IP…]`` or ``MAC dynamic``, ovn-nb(5)."""
    return "dynamic" in text and _DYNAMIC.fullmatch(text) is not None


@pure
def link_local(mac: str) -> str:
    """The IPv6 link-local address made from an Ethernet address, RFC 4291 appendix A."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return inet_ntop(AF_INET6, b"\xfe\x80" + bytes(6) + interface)


@pure
def is_link_local(address: str) -> bool:
    """Whether an IPv6 address is in fe80::/64, where link-local addresses are, RFC 4291 section 2.5.6."""
    return inet_pton(AF_INET6, address)[:8] == b"\xfe\x80" + bytes(6)


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


@pure
def number_of(address: str) -> int:
    """An IP address as a number."""
    return int.from_bytes(inet_pton(AF_INET6 if ":" in address else AF_INET, address))


@pure
def ipv4_of(number: int) -> str:
    """An IPv4 address from a number."""
    return f"{number >> 24}.{number >> 16 & 0xFF}.{number >> 8 & 0xFF}.{number & 0xFF}"


def _scan(text: str, position: int) -> tuple[tuple[Network, ...], tuple[Network, ...], int]:
    """The IP addresses in a text from a position on, and where they end."""
    v4: tuple[Network, ...] = ()
    v6: tuple[Network, ...] = ()
    end = len(text)
    while position < end:
        start = position
        if found := _V4.match(text, start):
            start = found.end()
            if network := _network_v4(found):
                v4 += network
                position = start
                continue
        if not (found := _V6.match(text, start)) or not (network := _network_v6(found)):
            break
        v6 += network
        position = found.end()
    return v4, v6, position


def _mac(found: re.Match[str]) -> str:
    a, b, c, d, e, f = (int(byte, 16) & 0xFF for byte in found.groups())
    return f"{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"


def _network_v4(found: re.Match[str]) -> tuple[Network, ...]:
    a, b, c, d, e, f, g, h, prefix = found.groups()
    number = _number_v4(a, b, c, d)
    address = ipv4_of(number)
    if prefix is None and e is None:
        return ((address, address, 32),)
    if prefix is not None:
        length = int(prefix)
        if not 0 <= length <= 32:
            return ()
    else:
        inverse = _number_v4(e, f, g, h) ^ 0xFFFFFFFF
        if inverse & (inverse + 1):
            return ()
        length = 32 - inverse.bit_length()
    return ((address, ipv4_of(number >> (32 - length) << (32 - length)), length),)


def _number_v4(a: str, b: str, c: str, d: str) -> int:
    return (int(a) & 0xFF) << 24 | (int(b) & 0xFF) << 16 | (int(c) & 0xFF) << 8 | int(d) & 0xFF


def _network_v6(found: re.Match[str]) -> tuple[Network, ...]:
    text, prefix, mask = found.groups()
    try:
        packed = inet_pton(AF_INET6, text)
        length = int(prefix) if prefix else _mask_length(inet_pton(AF_INET6, mask)) if mask else 128
    except OSError:
        return ()
    if not 0 <= length <= 128:
        return ()
    network = int.from_bytes(packed) >> (128 - length) << (128 - length)
    return ((inet_ntop(AF_INET6, packed), inet_ntop(AF_INET6, network.to_bytes(16)), length),)


def _mask_length(mask: bytes) -> int:
    """The length of a prefix that is written as a mask; -1 when the mask is none."""
    inverse = int.from_bytes(mask) ^ ((1 << 128) - 1)
    return -1 if inverse & (inverse + 1) else 128 - inverse.bit_length()
