"""What each command of ``ovn-rules nbctl`` does with the northbound database.

Names, arguments and output are those of ovn-nbctl at the time of the EZ Bake schema. The commands for ACLs and
``--may-exist``, ``--if-exists`` and ``--log`` are today's (ovn-nbctl(8)).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ovn_rules.cli.failure import Failure

if TYPE_CHECKING:
    from ovn_rules.cli.northbound import Row

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

DIRECTIONS = ("from-lport", "to-lport")
ACTIONS = ("allow", "allow-related", "drop", "reject")
KINDS = {"Logical_Switch": "logical switch", "Logical_Port": "logical port"}


class View(Protocol):
    """A northbound database as commands see it: the real one (``Northbound``), or one that is supposed."""

    def find(self, table: str, **values: Any) -> list[Row]:
        """The rows whose columns have these values, those that earlier commands made included."""

    def insert(self, table: str, **values: Any) -> Row:
        """Adds a row."""

    def set(self, row: Row, column: str, value: Any) -> None:
        """Changes a column."""

    def set_key(self, row: Row, column: str, key: str, value: str | None) -> None:
        """Changes one key of a map column; None takes it out."""

    def delete(self, row: Row) -> None:
        """Deletes a row."""


@dataclass(frozen=True)
class Call:
    """One command of a command line.

    Attributes:
        nb: The database as the commands before have left it.
        words: The command's arguments.
        options: Its options, like ``--may-exist``.
    """

    nb: View
    words: list[str]
    options: frozenset[str]


Lines = list[str]
Function = Callable[[Call], Lines]


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        usage: Its arguments.
        least, most: How many arguments it takes; ``most`` -1 for any number.
        options: The options it knows.
        function: What it does; returns the lines to print.
    """

    usage: str
    least: int
    most: int
    options: frozenset[str]
    function: Function


COMMANDS: dict[str, Command] = {}
"""The commands by name."""


def command(name: str, usage: str, *options: str) -> Callable[[Function], Function]:
    """Enters a function into ``COMMANDS``; how many arguments it takes follows from the usage."""
    words = re.sub(r"\[[^]]*\]|\.\.\.", "", usage).split()
    most = -1 if "..." in usage else len(usage.replace("[", " ").replace("]", " ").split())

    def enter(function: Function) -> Function:
        COMMANDS[name] = Command(usage, len(words), most, frozenset(options), function)
        return function

    return enter


# Finding rows


def _one(nb: View, table: str, name: str) -> Row | None:
    """The row of that UUID or else of that name; an error when several have the name."""
    if _UUID.fullmatch(name) and (rows := nb.find(table, _uuid=name.lower())):
        return rows[0]
    rows = nb.find(table, name=name)
    if len(rows) > 1:
        uuids = ", ".join(sorted(r.uuid for r in rows))
        raise Failure(f"{name}: there is more than one {KINDS[table]} of this name; use a UUID: {uuids}")
    return rows[0] if rows else None


def _need(nb: View, table: str, name: str) -> Row:
    row = _one(nb, table, name)
    if row is None:
        raise Failure(f"{name}: no {KINDS[table]} has this name or UUID")
    return row


def _switch(call: Call) -> Row:
    return _need(call.nb, "Logical_Switch", call.words[0])


def _port(call: Call) -> Row:
    return _need(call.nb, "Logical_Port", call.words[0])


def _by_name(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (r["name"], r.uuid))


def _listed(rows: list[Row]) -> Lines:
    return [f"{row.uuid} ({row['name']})" for row in _by_name(rows)]


# Switches


@command("show", "[LSWITCH]")
def show(call: Call) -> Lines:
    """Print switches and their ports."""
    lines = []
    for switch in [_switch(call)] if call.words else _by_name(call.nb.find("Logical_Switch")):
        lines.append(f"    lswitch {switch.uuid} ({switch['name']})")
        for port in _by_name(_ports(call, switch)):
            lines.append(f"        lport {port['name']}")
            if port["parent_name"] and port["tag"]:
                lines.append(f"            parent: {port['parent_name'][0]}, tag:{port['tag'][0]}")
            if port["macs"]:
                lines.append(f"            macs: {' '.join(port['macs'])}")
    return lines


def _ports(call: Call, switch: Row) -> list[Row]:
    if call.words:
        return call.nb.find("Logical_Port", lswitch=switch.uuid)
    return [port for port in call.nb.find("Logical_Port") if port["lswitch"] == switch.uuid]


@command("lswitch-add", "[LSWITCH]", "--may-exist")
def lswitch_add(call: Call) -> Lines:
    """Add a switch; its name need not be the only one."""
    name = call.words[0] if call.words else ""
    if not ("--may-exist" in call.options and name and call.nb.find("Logical_Switch", name=name)):
        call.nb.insert("Logical_Switch", name=name)
    return []


@command("lswitch-del", "LSWITCH", "--if-exists")
def lswitch_del(call: Call) -> Lines:
    """Delete a switch that has no ports and ACLs any more."""
    switch = _one(call.nb, "Logical_Switch", call.words[0]) if "--if-exists" in call.options else _switch(call)
    if switch is None:
        return []
    for table, what, how in (("Logical_Port", "port", "lport-del"), ("ACL", "ACL", "acl-del")):
        if number := len(call.nb.find(table, lswitch=switch.uuid)):
            raise Failure(f"{call.words[0]}: still has {number} {what}{'s'[: number > 1]}; delete first ({how})")
    call.nb.delete(switch)
    return []


@command("lswitch-list", "")
def lswitch_list(call: Call) -> Lines:
    """Print all switches."""
    return _listed(call.nb.find("Logical_Switch"))


# Ports


@command("lport-add", "LSWITCH LPORT [PARENT TAG]", "--may-exist")
def lport_add(call: Call) -> Lines:
    """Add a port to a switch; with PARENT and TAG, a container inside that port."""
    nb, (_, name, *nested) = call.nb, call.words
    if len(nested) == 1:
        raise Failure("lport-add takes PARENT and TAG together: lport-add LSWITCH LPORT [PARENT TAG]")
    switch = _switch(call)
    parent, tag = ((nested[0],), (_tag(nested[1]),)) if nested else ((), ())
    for port in nb.find("Logical_Port", name=name):
        if "--may-exist" not in call.options:
            raise Failure(f"{name}: a logical port of this name exists already")
        if port["lswitch"] != switch.uuid:
            raise Failure(f"{name}: this logical port exists already, on another switch ({port['lswitch']})")
        if (port["parent_name"], port["tag"]) != (parent, tag):
            raise Failure(f"{name}: this logical port exists already, with another parent or tag")
        return []
    nb.insert("Logical_Port", lswitch=switch.uuid, name=name, parent_name=parent, tag=tag)
    return []


def _tag(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 4095:
        raise Failure(f"{text}: no tag; a VLAN tag is a number from 0 to 4095")
    return int(text)


@command("lport-del", "LPORT", "--if-exists")
def lport_del(call: Call) -> Lines:
    """Delete a port."""
    port = _one(call.nb, "Logical_Port", call.words[0]) if "--if-exists" in call.options else _port(call)
    if port is not None:
        call.nb.delete(port)
    return []


@command("lport-list", "LSWITCH")
def lport_list(call: Call) -> Lines:
    """Print a switch's ports."""
    return _listed(call.nb.find("Logical_Port", lswitch=_switch(call).uuid))


@command("lport-get-parent", "LPORT")
def lport_get_parent(call: Call) -> Lines:
    """Print the name of the port that a port is nested in, if any."""
    return list(_port(call)["parent_name"])


@command("lport-get-tag", "LPORT")
def lport_get_tag(call: Call) -> Lines:
    """Print a port's VLAN tag, if any."""
    return [str(tag) for tag in _port(call)["tag"]]


@command("lport-set-macs", "LPORT [MAC]...")
def lport_set_macs(call: Call) -> Lines:
    """Set the addresses a port owns: "MAC", "MAC IP", "unknown"."""
    call.nb.set(_port(call), "macs", tuple(sorted(set(call.words[1:]))))
    return []


@command("lport-get-macs", "LPORT")
def lport_get_macs(call: Call) -> Lines:
    """Print the addresses a port owns."""
    return list(_port(call)["macs"])


@command("lport-set-port-security", "LPORT [ADDR]...")
def lport_set_port_security(call: Call) -> Lines:
    """Set the addresses a port may send from."""
    call.nb.set(_port(call), "port_security", tuple(sorted(set(call.words[1:]))))
    return []


@command("lport-get-port-security", "LPORT")
def lport_get_port_security(call: Call) -> Lines:
    """Print the addresses a port may send from."""
    return list(_port(call)["port_security"])


@command("lport-get-up", "LPORT")
def lport_get_up(call: Call) -> Lines:
    """Print whether a chassis has the port: up or down."""
    return ["up" if _port(call)["up"] == (True,) else "down"]


# External ids


def _set_external_id(call: Call, row: Row) -> Lines:
    call.nb.set_key(row, "external_ids", call.words[1], call.words[2] if len(call.words) > 2 else None)
    return []


def _get_external_id(call: Call, row: Row) -> Lines:
    if len(call.words) > 1:
        return [value for key, value in row["external_ids"] if key == call.words[1]]
    return [f"{key}={value}" for key, value in row["external_ids"]]


@command("lswitch-set-external-id", "LSWITCH KEY [VALUE]")
def lswitch_set_external_id(call: Call) -> Lines:
    """Set a key of a switch's external ids, or without VALUE take it out."""
    return _set_external_id(call, _switch(call))


@command("lswitch-get-external-id", "LSWITCH [KEY]")
def lswitch_get_external_id(call: Call) -> Lines:
    """Print a switch's external ids, or the value of one."""
    return _get_external_id(call, _switch(call))


@command("lport-set-external-id", "LPORT KEY [VALUE]")
def lport_set_external_id(call: Call) -> Lines:
    """Set a key of a port's external ids, or without VALUE take it out."""
    return _set_external_id(call, _port(call))


@command("lport-get-external-id", "LPORT [KEY]")
def lport_get_external_id(call: Call) -> Lines:
    """Print a port's external ids, or the value of one."""
    return _get_external_id(call, _port(call))


# ACLs. This schema has no column for a direction: an ACL is evaluated once for every packet of its switch, when
# both inport and outport are known. The direction that today's command takes is kept as an external id, so that
# what was given is listed, and deleted, again.

_DIRECTION = "direction"


def _direction(acl: Row) -> str:
    return str(dict(acl["external_ids"]).get(_DIRECTION, "to-lport"))


def _split(call: Call) -> tuple[str, list[str]]:
    """The direction ("" when none is given) and the words after it."""
    words = call.words[1:]
    if words and words[0] in DIRECTIONS:
        return words[0], words[1:]
    if words and not words[0].isdigit():
        raise Failure(f"{words[0]}: no direction and no priority; a direction is from-lport or to-lport")
    return "", words


def _priority(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Failure(f"{text}: no priority; an ACL's priority is a number from 1 to 65535")
    return int(text)


@command("acl-add", "LSWITCH [DIRECTION] PRIORITY MATCH ACTION", "--may-exist", "--log")
def acl_add(call: Call) -> Lines:
    """Add an ACL to a switch. It applies once, with inport and outport known, whatever DIRECTION is."""
    direction, words = _split(call)
    if len(words) != 3:
        raise Failure("acl-add takes LSWITCH [DIRECTION] PRIORITY MATCH ACTION")
    switch = _switch(call)
    priority, match, action = _priority(words[0]), words[1], words[2]
    if action not in ACTIONS:
        raise Failure(f"{action}: no action of an ACL; it is one of {', '.join(ACTIONS)}")
    same = call.nb.find("ACL", lswitch=switch.uuid, priority=priority, match=match)
    if any(_direction(acl) == (direction or "to-lport") for acl in same):
        if "--may-exist" in call.options:
            return []
        raise Failure(f"{call.words[0]}: has this ACL already: {direction or 'to-lport'} {priority} ({match})")
    call.nb.insert(
        "ACL",
        lswitch=switch.uuid,
        priority=priority,
        match=match,
        action=action,
        log="--log" in call.options,
        external_ids=((_DIRECTION, direction),) if direction else (),
    )
    return []


@command("acl-del", "LSWITCH [DIRECTION] [PRIORITY MATCH]")
def acl_del(call: Call) -> Lines:
    """Delete a switch's ACLs: all, those of a direction, or one."""
    direction, words = _split(call)
    if len(words) not in (0, 2):
        raise Failure("acl-del takes PRIORITY and MATCH together: acl-del LSWITCH [DIRECTION] [PRIORITY MATCH]")
    switch = _switch(call)
    only = {"priority": _priority(words[0]), "match": words[1]} if words else {}
    for acl in call.nb.find("ACL", lswitch=switch.uuid, **only):
        if not direction or direction == _direction(acl):
            call.nb.delete(acl)
    return []


@command("acl-list", "LSWITCH")
def acl_list(call: Call) -> Lines:
    """Print a switch's ACLs, the ones of highest priority first."""
    acls = call.nb.find("ACL", lswitch=_switch(call).uuid)
    acls.sort(key=lambda a: (_direction(a) != "from-lport", -a["priority"], a["match"], a["action"]))
    return [
        f"{_direction(a):>10} {a['priority']:5} ({a['match']}) {a['action']}{' log()' if a['log'] else ''}"
        for a in acls
    ]
