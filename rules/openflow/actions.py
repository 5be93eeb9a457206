"""Actions of flows as they are carried out (ovs-actions(7)).

Bits are named by their place in a packet, see ``fields``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ovn_rules.rules.openflow.fields import SET_FIELDS, SUBFIELDS, TCI, TRANSPORT, Place
from ovn_rules.rules.openflow.match import MatchError, number

if TYPE_CHECKING:
    from collections.abc import Callable

_EACH = re.compile(r"[^,()]+(?:\([^)]*\))?")
_SUBFIELD = re.compile(r"(\w+)\[(?:(\d+)(?:\.\.(\d+))?)?\]")
_NAME = re.compile(r"[a-z_]+")
_SHARE = re.compile(r"\((\d+),(\d+)/(\d+)\)")
_TABLE = re.compile(r"\(,(\d+)\)")


class ActionError(ValueError):
    """An action that is not simulated."""


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Look the packet up in a table, carry out what is found there, then go on."""

    table: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send the packet out of a port, unless it came in there."""

    port: int


@dataclass(frozen=True, slots=True)
class Write:
    """Write the bits under a mask, both relative to the place."""

    place: Place
    value: int
    mask: int
    needs_tag: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy bits from one place to another of the same width."""

    source: Place
    to: Place


@dataclass(frozen=True, slots=True)
class Push:
    """Put bits on the stack."""

    source: Place


@dataclass(frozen=True, slots=True)
class Pop:
    """Take bits from the stack."""

    to: Place


@dataclass(frozen=True, slots=True)
class PushVlan:
    """Add a VLAN tag."""


@dataclass(frozen=True, slots=True)
class PopVlan:
    """Take the outermost VLAN tag off."""


@dataclass(frozen=True, slots=True)
class Share:
    """A flow's part in a conjunctive match: dimension ``k`` of ``n``, both from 1 (ovs-fields(7))."""

    number: int
    k: int
    n: int


Action = Resubmit | Send | Write | Copy | Push | Pop | PushVlan | PopVlan | Share


def split(text: str) -> list[str]:
    """The single actions of a flow's actions; none for ``drop``."""
    return [] if text == "drop" else _EACH.findall(text)


@lru_cache(maxsize=4096)
def parse_action(text: str) -> Action:
    """One action.

    Raises:
        ActionError: it isn't one that is simulated; the message names it.
    """
    name = _NAME.match(text)
    reader = _READERS.get(name[0]) if name else None
    try:
        if name and reader:
            return reader(text[name.end() :])
    except (ValueError, KeyError):
        pass
    raise ActionError(f"the action {text!r} is not simulated")


def _resubmit(text: str) -> Resubmit:
    return Resubmit(int(_matched(_TABLE, text)[1]))


def _share(text: str) -> Share:
    return Share(*map(int, _matched(_SHARE, text).groups()))


def _set_field(text: str) -> Write:
    value, _, name = text.removeprefix(":").partition("->")
    place = SET_FIELDS[name]
    value, slash, mask = value.partition("/")
    ones = (1 << place.width) - 1
    return Write(place, number(value, place.width), number(mask, place.width) if slash else ones, name == "vlan_pcp")


def _load(text: str) -> Write:
    value, _, to = text.removeprefix(":").partition("->")
    place = _subfield(to)
    return Write(place, number(value, place.width), (1 << place.width) - 1)


def _move(text: str) -> Copy:
    source, _, to = text.removeprefix(":").partition("->")
    return Copy(_subfield(source), _subfield(to))


def _vlan_pushed(text: str) -> PushVlan:
    if text != ":0x8100":
        raise MatchError("a tag of another kind")
    return PushVlan()


_READERS: dict[str, Callable[[str], Action]] = {
    "resubmit": _resubmit,
    "conjunction": _share,
    "set_field": _set_field,
    "load": _load,
    "move": _move,
    "push": lambda text: Push(_subfield(text.removeprefix(":"))),
    "pop": lambda text: Pop(_subfield(text.removeprefix(":"))),
    "output": lambda text: Send(int(text.removeprefix(":"))),
    "push_vlan": _vlan_pushed,
    "pop_vlan": lambda _: PopVlan(),
}
"""Readers of what follows an action's name."""


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if not found:
        raise MatchError(f"{text!r} is not understood")
    return found


def _subfield(text: str) -> Place:
    found = _matched(_SUBFIELD, text)
    whole = SUBFIELDS[found[1]]
    if found[2] is None:
        return whole
    low, high = int(found[2]), int(found[3] or found[2])
    if not low <= high < whole.width:
        raise MatchError(f"{text!r} has no such bits")
    return Place(whole.offset + low, high - low + 1)


def is_transport(place: Place) -> bool:
    """Whether bits belong to a transport header."""
    return bool(place.mask & TRANSPORT)


def is_tag(place: Place) -> bool:
    """Whether bits belong to the VLAN tag."""
    return bool(place.mask & TCI.mask)
