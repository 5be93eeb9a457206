"""The OpenFlow fields, and where each stands in a cube.

A cube is a pair of integers, value and mask, over all fields at once: the fields of ``openflow.toml`` follow each
other from bit 0 upward. A packet is in the cube when it agrees with the value wherever the mask has a 1-bit.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REGISTER = re.compile(r"(x{0,2}reg)(\d+)")
REGISTER_WIDTHS = {"reg": 32, "xreg": 64, "xxreg": 128}


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field that Open vSwitch matches on, as ``openflow.toml`` describes it.

    ``offset`` is the position of its lowest bit in a cube. ``set`` and ``nxm`` are its names in actions, empty
    where it has none.
    """

    name: str
    width: int
    offset: int
    form: str = "hex"
    exact: bool = False
    set: str = ""
    nxm: str = ""

    @property
    def mask(self) -> int:
        """All bits of the field, where they stand in a cube."""
        return ((1 << self.width) - 1) << self.offset


def _read() -> dict[str, Field]:
    fields = {}
    offset = 0
    for name, row in tomllib.loads((HERE / "openflow.toml").read_text("utf-8")).items():
        fields[name] = Field(name=name, offset=offset, **row)
        offset += row["width"]
    return fields


FIELDS = _read()
"""Every field by name, in the order in which ovs-ofctl prints them."""

MASKABLE = sum(f.mask for f in FIELDS.values() if not f.exact)
"""The bits that Open vSwitch can leave out of a match one by one."""


def location(name: str) -> Field:
    """The field of that name; registers of 32, 64 and 128 bits are ranges of the one field ``registers``.

    Raises:
        KeyError: there is no such field.
    """
    if name in FIELDS:
        return FIELDS[name]
    register = REGISTER.fullmatch(name)
    if not register:
        raise KeyError(name)
    kind, number = register[1], int(register[2])
    width = REGISTER_WIDTHS[kind]
    offset = FIELDS["registers"].offset + FIELDS["registers"].width - (number + 1) * width
    if offset < FIELDS["registers"].offset:
        raise KeyError(name)
    nxm = {
        "reg": f"NXM_NX_REG{number}",
        "xreg": f"OXM_OF_PKT_REG{number}",
        "xxreg": f"NXM_NX_XXREG{number}",
    }[kind]
    return Field(name, width, offset, "hex", set=name, nxm=nxm)
