"""Addresses that are written as nearly all are take a short way; it leads to where the long one does."""

from hypothesis import given
from hypothesis import strategies as st

from ovn_rules.rules.ovn.addresses import begins_with_mac, parse_addresses

USUAL_MAC, USUAL_IP = "00:0a:ff:00:10:02", " 10.0.99.255"
ODD_MACS = st.lists(st.sampled_from(["0a", "ff", "A0", "1", "+1", "0x2"]), min_size=6, max_size=6).map(":".join)
BYTES = st.sampled_from(["0", "9", "10", "01", "001", "199", "249", "255", "256", "300"])
MACS = st.just(USUAL_MAC) | ODD_MACS
IPS = st.sampled_from(["", USUAL_IP]) | BYTES.map(lambda byte: f" 10.{byte}.0.1")
ENDS = st.sampled_from(["", "/24", " 10.0.0.1", " fe80::1", " x", "\n"])


@given(MACS, IPS, ENDS)
def test_short_and_long_way(mac, ip, end):
    """A space at the end means nothing, but the short way isn't taken."""
    text = mac + ip + end
    assert parse_addresses(text) == parse_addresses(f"{text} ")
    assert begins_with_mac(text) == bool(parse_addresses(text))
