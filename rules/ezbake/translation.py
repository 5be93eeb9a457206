"""OpenFlow tables 16 and up: each logical flow as flows of the integration bridge.

A logical flow names ports; flows carry their keys. So the names in a match or in actions are found first, and
the text is translated with the keys of just those ports: when a port comes or goes, only what names it changes.
"""

import re

from ovn_rules.engine import pure

Ports = tuple[tuple[str, int], ...]

_ADDRESS_AND_MORE = re.compile(r"(eth\.dst == (?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}) .*", re.DOTALL)
_METADATA = re.compile(r"(?:metadata=|set_field:)(0x[0-9a-f]+)(?:->metadata)?(?=,|$)")
_KEY = re.compile(r"reg[67]=(0x[0-9a-f]+)|set_field:(0x[0-9a-f]+)->reg6")


@pure
def readable(match: str) -> str:
    """A match as it is parsed: what follows the Ethernet address of a "MAC IP" entry is no part of it."""
    found = _ADDRESS_AND_MORE.fullmatch(match)
    return found[1] if found else match
