"""The symbol tables that the toml files describe: EZBAKE and OVN."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

from ovn_rules.rules.lflow.expressions import comparisons
from ovn_rules.rules.lflow.fields import HERE, MASKABLE, location
from ovn_rules.rules.lflow.lexer import Reader
from ovn_rules.rules.lflow.parser import Parser, parse
from ovn_rules.rules.lflow.symbols import Level, Symbol, Table


def load(name: str, description: dict[str, dict[str, Any]]) -> Table:
    """A symbol table from its description, in the form of ``ovn.toml``.

    Predicates may refer to symbols above them only, and every prerequisite is read, so that a mistake in a table is
    found when it is loaded.

    Raises:
        LflowError: an expression in it is wrong.
        KeyError: a field names no OpenFlow field.
    """
    strings = {symbol: _field(symbol, **row) for symbol, row in description["strings"].items()}
    names = sum(((1 << s.width) - 1) << s.offset for s in strings.values())
    table = Table(name, MASKABLE & ~names)
    symbols = table.symbols
    for symbol, each in strings.items():
        symbols[symbol] = replace(each, width=0, level="nominal")
    for symbol, row in description["fields"].items():
        symbols[symbol] = _field(symbol, **row)
    for symbol, row in description["subfields"].items():
        symbols[symbol] = _subfield(table, symbol, **row)
    for symbol, expansion in description["predicates"].items():
        nominal = any(c.symbol.level == "nominal" for c in comparisons(parse(expansion, table)))
        level: Level = "nominal" if nominal else "Boolean"
        symbols[symbol] = Symbol(symbol, 1, level, expansion=expansion)
    for each in symbols.values():
        if each.needs:
            parse(each.needs, table)
    return table


def _field(
    name: str,
    openflow: str,
    needs: str = "",
    low: int = 0,
    width: int | None = None,
    set: str | None = None,  # noqa: A002 -- the key in the toml file
    nxm: str | None = None,
) -> Symbol:
    root = location(openflow)
    offset = root.offset + low
    if set is not None and nxm is not None:
        root = replace(root, offset=offset, width=width or root.width, set=set, nxm=nxm)
    level: Level = "nominal" if root.exact else "ordinal"
    return Symbol(name, width or root.width, level, offset, needs, root=root)


def _subfield(table: Table, name: str, of: str, needs: str = "") -> Symbol:
    parent, low, width, _ = Parser(Reader(of), table).field()
    needs = " && ".join(filter(None, (needs, parent.needs)))
    return Symbol(name, width, "ordinal", parent.offset + low, needs, root=parent.root, low=parent.low + low)


def _read(name: str) -> Table:
    return load(name, tomllib.loads((HERE / f"{name}.toml").read_text("utf-8")))


EZBAKE = _read("ezbake")
"""The symbols of May 2015."""

OVN = _read("ovn")
"""The symbols of OVN 23.03."""
