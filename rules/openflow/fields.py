"""The fields of a packet, and where each stands in the one integer that holds them all.

The fields of the logical flow language stand where ``rules.lflow.fields`` has them; those that only physical flows
use follow above.
"""

from __future__ import annotations

from typing import NamedTuple

from ovn_rules.rules.lflow.fields import FIELDS, location
from ovn_rules.rules.lflow.tables import EZBAKE, OVN


class Place(NamedTuple):
    """Some adjacent bits of a packet: the lowest, and how many."""

    offset: int
    width: int

    @property
    def mask(self) -> int:
        """These bits, where they stand."""
        return ((1 << self.width) - 1) << self.offset


def _places() -> dict[str, Place]:
    places = {name: Place(f.offset, f.width) for name, f in FIELDS.items() if name != "registers"}
    for kind, count in (("reg", 16), ("xreg", 8), ("xxreg", 4)):
        for number in range(count):
            register = location(f"{kind}{number}")
            places[register.name] = Place(register.offset, register.width)
    top = max(f.offset + f.width for f in FIELDS.values())
    for name, width in (("in_port", 32), ("tun_id", 64), ("conj_id", 32)):
        places[name] = Place(top, width)
        top += width
    return places


PLACES = _places()
"""Every field by its name in a match."""

TCI = PLACES["vlan_tci"]
PRESENT = 1 << TCI.offset + 12
"""The bit of the VLAN tag that says that there is one (ovs-fields(7), "VLAN Fields")."""

FRAGMENT = 1 << PLACES["nw_frag"].offset
LATER = 2 << PLACES["nw_frag"].offset
"""The two bits of nw_frag: the packet is a fragment, and not the first one."""

NAMES = {place: name for name, place in reversed(PLACES.items())}
"""A field's name by its place; of a register the name as 32 bits."""


def _written(kind: str) -> dict[str, Place]:
    roots = (s.root for table in (OVN, EZBAKE) for s in table.symbols.values() if s.root is not None)
    places = {getattr(root, kind): Place(root.offset, root.width) for root in roots}
    places |= {getattr(f, kind): Place(f.offset, f.width) for f in FIELDS.values()}
    places.pop("", None)
    return places


SET_FIELDS = _written("set") | {
    **{name: place for name, place in PLACES.items() if "reg" in name},
    "in_port": PLACES["in_port"],
    "tun_id": PLACES["tun_id"],
    "ip_dscp": Place(PLACES["nw_tos"].offset + 2, 6),
    "vlan_vid": Place(TCI.offset, 13),
    "vlan_pcp": Place(TCI.offset + 13, 3),
}
"""What ``set_field`` writes, by name."""

SUBFIELDS = _written("nxm") | {
    **{f"NXM_NX_REG{number}": PLACES[f"reg{number}"] for number in range(16)},
    "NXM_OF_IN_PORT": Place(PLACES["in_port"].offset, 16),
    "NXM_NX_TUN_ID": PLACES["tun_id"],
}
"""What ``load``, ``move``, ``push`` and ``pop`` work on, by name."""

PORTS = tuple(PLACES[name] for name in ("tp_src", "tp_dst", "icmp_type", "icmp_code"))
TRANSPORT = sum(PLACES[n].mask for n in ("tcp_flags", "nd_target", "nd_sll", "nd_tll")) | sum(p.mask for p in PORTS)
"""The fields of a transport header, which a later fragment has none of."""
