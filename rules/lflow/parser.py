"""From tokens to an expression, with the checks that ovn-sb(5) asks for: types, levels, widths, nesting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from ovn_rules.rules.lflow.errors import LflowError
from ovn_rules.rules.lflow.expressions import (
    OPERATORS,
    TURNED,
    All,
    Any,
    Comparison,
    Expression,
    Operator,
    Resident,
    Truth,
    join,
    negate,
)
from ovn_rules.rules.lflow.lexer import Number, Reader, tokens

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.symbols import Symbol, Table

DEPTH = 100
"""How deep parentheses may nest, as in OVN."""

LENGTH = 1 << 20
"""The longest expression that is read, in characters."""


class Chosen(NamedTuple):
    """A field, or the bits of it that brackets choose, and where it was named."""

    symbol: Symbol
    low: int
    width: int
    position: int


class Constant(NamedTuple):
    """A number or a string, and where it stands."""

    value: Number | str
    position: int


@dataclass(frozen=True, slots=True)
class Constants:
    """What stands on the other side of a comparison; ``curly`` for a set in braces."""

    values: list[Constant]
    curly: bool
    position: int


@dataclass(frozen=True, slots=True)
class Sets:
    """What ``$name`` and ``@name`` refer to: addresses as the language writes them, and port names."""

    addresses: dict[str, tuple[str, ...]]
    ports: dict[str, tuple[str, ...]]


NO_SETS = Sets({}, {})


def parse(text: str, table: Table, sets: Sets = NO_SETS) -> Expression:
    """Reads an expression.

    Raises:
        LflowError: the text is not an expression of the language over the table's symbols.
    """
    if len(text) > LENGTH:
        raise LflowError(f"Expression is longer than {LENGTH} characters.", LENGTH, text)
    parser = Parser(Reader(text), table, sets)
    expression = parser.expression()
    if parser.reader.token.kind != "end":
        raise parser.reader.expected("end of input")
    return expression


class Parser:
    """Reads expressions and fields from a Reader; one for each text."""

    __slots__ = ("depth", "negated", "reader", "sets", "table")

    def __init__(self, reader: Reader, table: Table, sets: Sets = NO_SETS) -> None:
        """Reads on from the reader's current token."""
        self.reader = reader
        self.table = table
        self.sets = sets
        self.depth = 0
        self.negated = False

    def expression(self) -> Expression:
        """Terms joined by ``&&`` or by ``||``, not by both."""
        first = self._negation()
        reader = self.reader
        operator = reader.token.kind
        if operator not in ("&&", "||"):
            return first
        terms = [first]
        while reader.take(operator):
            terms.append(self._negation())
        if reader.token.kind in ("&&", "||"):
            message = "&& and || must be parenthesized when used together."
            raise reader.error(message, reader.token.start)
        return join(All if operator == "&&" else Any, terms)

    def _negation(self) -> Expression:
        if not self.reader.take("!"):
            return self._primary()[0]
        self.negated = not self.negated
        start = self.reader.token.start
        expression, atomic = self._primary()
        self.negated = not self.negated
        if not atomic:
            raise self.reader.error("Missing parentheses around operand of !.", start)
        return negate(expression)

    def _primary(self) -> tuple[Expression, bool]:
        """An operand, and whether ``!`` may stand before it without parentheses."""
        reader = self.reader
        token = reader.token
        if token.kind == "(":
            if self.depth >= DEPTH:
                raise reader.error("Parentheses nested too deeply.", token.start)
            self.depth += 1
            reader.advance()
            expression = self.expression()
            reader.need(")")
            self.depth -= 1
            return expression, True
        if token.kind == "id":
            if reader.ahead() == "(":
                return self._function(), True
            return self._field_first()
        return self._constant_first()

    def _function(self) -> Expression:
        reader = self.reader
        name = reader.advance()
        if name.value != "is_chassis_resident":
            raise reader.error(f"Unknown function {name.value}.", name.start)
        reader.advance()
        if reader.token.kind != "string":
            raise reader.expected("string")
        port = cast("str", reader.advance().value)
        reader.need(")")
        return Resident(port)

    def _field_first(self) -> tuple[Expression, bool]:
        chosen = self.field()
        reader = self.reader
        operator = reader.token.kind
        if operator in OPERATORS:
            reader.advance()
            return self._compare(chosen, cast("Operator", operator), self._constants()), False
        if not chosen.width or operator == "=":
            raise reader.expected("relational operator")
        if chosen.width > 1 and not self.negated:
            message = "Explicit `!= 0' is required for inequality test of multibit field against 0."
            raise reader.error(message, chosen.position)
        zero = Constants([Constant(Number(0, "hexadecimal"), chosen.position)], False, chosen.position)
        return self._compare(chosen, "!=", zero), True

    def _constant_first(self) -> tuple[Expression, bool]:
        reader = self.reader
        constants = self._constants()
        if reader.token.kind not in OPERATORS and not constants.curly and len(constants.values) == 1:
            value = constants.values[0].value
            if value in (Number(0, "decimal"), Number(1, "decimal")):
                return Truth(value == Number(1, "decimal")), True
        first, _ = self._operator()
        chosen = self.field()
        if reader.token.kind not in OPERATORS:
            return self._compare(chosen, TURNED[first], constants), False
        second, position = self._operator()
        others = self._constants()
        if first[0] != second[0] or first[0] not in "<>":
            message = (
                "Range expressions must have the form `x < field < y' or `x > field > y', with each `<' "
                "optionally replaced by `<=' or `>' by `>=')."
            )
            raise reader.error(message, position)
        low = self._compare(chosen, TURNED[first], constants)
        return join(All, [low, self._compare(chosen, second, others)]), False

    def _operator(self) -> tuple[Operator, int]:
        token = self.reader.token
        if token.kind not in OPERATORS:
            raise self.reader.expected("relational operator")
        self.reader.advance()
        return cast("Operator", token.kind), token.start

    def field(self) -> Chosen:
        """A symbol, with the bits chosen by ``[n]`` or ``[a..b]``.

        Raises:
            LflowError: no such symbol, or no such bits.
        """
        reader = self.reader
        token = reader.token
        symbol = self.table.symbols.get(token.value) if token.kind == "id" else None  # type: ignore[arg-type]
        if symbol is None:
            raise reader.expected("field name")
        reader.advance()
        if not reader.take("["):
            return Chosen(symbol, 0, symbol.width, token.start)
        if not symbol.width:
            raise reader.error(f"Cannot select subfield of string field {symbol.name}.", token.start)
        position = reader.token.start
        low = high = reader.small_integer()
        if reader.take(".."):
            high = reader.small_integer()
        reader.need("]")
        if low > high:
            raise reader.error(f"Invalid bit range {low} to {high}.", position)
        if high >= symbol.width:
            message = f"Cannot select bits {low} to {high} of {symbol.width}-bit field {symbol.name}."
            raise reader.error(message, position)
        if symbol.level == "nominal" and high - low + 1 != symbol.width:
            raise reader.error(f"Cannot select subfield of nominal field {symbol.name}.", position)
        return Chosen(symbol, low, high - low + 1, token.start)

    def _constants(self) -> Constants:
        reader = self.reader
        start = reader.token.start
        values: list[Constant] = []
        if not reader.take("{"):
            self.constant(values)
            return Constants(values, False, start)
        while True:
            self.constant(values)
            reader.take(",")
            if reader.take("}"):
                return Constants(values, True, start)

    def constant(self, values: list[Constant]) -> None:
        """Appends the constant that stands here to ``values``, or what a set of that name holds.

        Raises:
            LflowError: there is none, or it is of another type than those before it.
        """
        reader = self.reader
        token = reader.token
        if token.kind in ("string", "number"):
            self._one_type(values, str if token.kind == "string" else Number)
            values.append(Constant(token.value, token.start))
        elif token.kind == "$":
            addresses = self.sets.addresses.get(cast("str", token.value))
            if addresses is None:
                raise reader.expected("address set name")
            self._one_type(values, Number)
            values.extend(Constant(n, token.start) for a in addresses if (n := address(a)) is not None)
        elif token.kind == "@":
            ports = self.sets.ports.get(cast("str", token.value))
            if ports is None:
                raise reader.expected("port group name")
            self._one_type(values, str)
            values.extend(Constant(p, token.start) for p in ports)
        else:
            raise reader.expected("constant")
        reader.advance()

    def _one_type(self, values: list[Constant], kind: type) -> None:
        if values and not isinstance(values[0].value, kind):
            raise self.reader.expected("string" if isinstance(values[0].value, str) else "integer")

    def _compare(self, chosen: Chosen, operator: Operator, constants: Constants) -> Expression:
        """The comparison of a field with each constant, joined as ovn-sb(5) says for sets."""
        self.check_types(chosen, constants)
        self._check_order(chosen, operator, constants)
        self._check_nominal(chosen, operator, constants)
        parts: list[Expression] = [comparison(chosen, operator, c.value) for c in constants.values]
        if not parts:
            return Truth(operator == "!=")
        return join(Any if operator == "==" else All, parts)

    def check_types(self, chosen: Chosen, constants: Constants) -> None:
        """Numbers that fit for a number, strings for a string; raises LflowError."""
        symbol = chosen.symbol
        for value, position in constants.values:
            if isinstance(value, str) == bool(symbol.width):
                kinds = ("Integer", "string") if symbol.width else ("String", "integer")
                message = f"{kinds[0]} field {symbol.name} is not compatible with {kinds[1]} constant."
                raise self.reader.error(message, position)
            if isinstance(value, Number) and value.width > symbol.width:
                message = f"{value.width}-bit constant is not compatible with {symbol.width}-bit field {symbol.name}."
                raise self.reader.error(message, position)

    def _check_order(self, chosen: Chosen, operator: Operator, constants: Constants) -> None:
        if operator in ("==", "!="):
            return
        only, level = "Only == and != operators may be used ", chosen.symbol.level
        if constants.curly:
            raise self.reader.error(f"{only}with value sets.", constants.position)
        if level != "ordinal":
            raise self.reader.error(f"{only}with {level} field {chosen.symbol.name}.", chosen.position)
        if not constants.values:
            message = f"{only}to compare a field against an empty value set."
            raise self.reader.error(message, constants.position)
        if cast("Number", constants.values[0].value).mask is not None:
            message = (
                f"{only}with masked constants.  Consider using subfields instead (e.g. eth.src[0..15] > 0x1111 in "
                "place of eth.src > 00:00:00:00:11:11/00:00:00:00:ff:ff)."
            )
            raise self.reader.error(message, constants.position)

    def _check_nominal(self, chosen: Chosen, operator: Operator, constants: Constants) -> None:
        symbol = chosen.symbol
        if symbol.level != "nominal":
            return
        if not symbol.expansion:
            if operator != ("!=" if self.negated else "=="):
                message = (
                    f"Nominal field {symbol.name} may only be tested for equality "
                    "(taking enclosing `!' operators into account)."
                )
                raise self.reader.error(message, chosen.position)
            return
        for constant in constants.values:
            positive = bool(cast("Number", constant.value).value & 1) ^ (operator == "!=") ^ self.negated
            if not positive:
                name = symbol.name
                message = (
                    f"Nominal predicate {name} may only be tested positively, e.g. `{name}' or `{name} == 1' but "
                    f"not `!{name}' or `{name} == 0'."
                )
                raise self.reader.error(message, chosen.position)


def comparison(chosen: Chosen, operator: Operator, value: Number | str) -> Comparison:
    """One comparison, its constant moved to the chosen bits; bits of it beyond those don't count, as in OVN."""
    if isinstance(value, str):
        return Comparison(chosen.symbol, operator, text=value)
    ones = (1 << chosen.width) - 1
    mask = ones if value.mask is None else value.mask & ones
    return Comparison(chosen.symbol, operator, (value.value & mask) << chosen.low, mask << chosen.low)


def address(text: str) -> Number | None:
    """A member of an address set as a constant; None for what is none."""
    token = tokens(text)[0]
    return token.value if isinstance(token.value, Number) and not token.error else None
