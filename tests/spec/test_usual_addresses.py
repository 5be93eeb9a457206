"""Addresses that are written as nearly all are take a short way; it leads to where the long one does."""

from itertools import product

from ovn_rules.rules.ovn.addresses import begins_with_mac, parse_addresses

BYTES = ("0", "9", "10", "01", "001", "199", "249", "255", "256", "300", "")
MACS = ("00:0a:ff:00:10:02", "00:0A:ff:00:10:02", "0:a:ff:0:10:2", "+0:0x2:a:b:c:d", "00:0a:ff:00:10", "x", "")
IPS = ("", " 10.0.99.255", *(f" 10.{byte}.0.{byte}" for byte in BYTES), " 1.2.3", " fe80::1")
ENDS = ("", "/24", " 10.0.0.1", " fe80::1", " x", "\n")


def test_short_and_long_way():
    """A space at the end means nothing, but the short way isn't taken."""
    for words in product(MACS, IPS, ENDS):
        text = "".join(words)
        assert parse_addresses(text) == parse_addresses(f"{text} "), text
        assert begins_with_mac(text) == bool(parse_addresses(text)), text
