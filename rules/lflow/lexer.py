"""From text to tokens: identifiers, constants, strings, punctuation (ovn-sb(5), "Constants" and "Miscellaneous")."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ovn_rules.rules.lflow.errors import LflowError

Format = Literal["decimal", "hexadecimal", "IPv4", "IPv6", "Ethernet"]


@dataclass(frozen=True, slots=True)
class Number:
    """An integer constant, with a mask when one was written. Value bits outside the mask are 0."""

    value: int
    format: Format
    mask: int | None = None

    @property
    def width(self) -> int:
        """The bits a field must have to be compared with it."""
        if self.mask is not None:
            return max(1, self.mask.bit_length())
        return FORMAT_BITS.get(self.format) or max(1, self.value.bit_length())


FORMAT_BITS = {"IPv4": 32, "IPv6": 128, "Ethernet": 48}


class Token(NamedTuple):
    """A piece of the text.

    ``kind`` is the piece itself for punctuation, else ``id``, ``number``, ``string``, ``$``, ``@`` or ``end``.
    ``value`` is the name, the Number or the text of the string. ``error`` is what is wrong with it, empty for
    nothing: a parser may see it only when it comes to the token.
    """

    kind: str
    start: int
    end: int
    value: str | Number = ""
    error: str = ""


# No possessive quantifier behind a group: Python 3.11 before 3.11.5, Debian's among them, matches those wrongly. So
# that nothing goes back into what was skipped, skipping is a match of its own.
SPACE = re.compile(r"(?:[ \t\n\r\v\f]++|//[^\n]*+|/\*[^\n]*?\*/)*")
INTEGER = r"[0-9A-Za-z:]*+(?:\.(?!\.)[0-9A-Za-z]*+)*"
TOKEN = re.compile(
    r"(?P<number>(?=[0-9]|::|[0-9a-fA-F]++:)" + INTEGER + r")"
    r"|(?P<id>[A-Za-z_][A-Za-z_.0-9]*+)"
    r"|(?P<punctuation>&&|\|\||==|!=|<->|<=|>=|\.\.|--|[(){}\[\]<>!,;=:-])"
    r'|(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*")'
    r"|(?P<reference>[$@][A-Za-z_.][A-Za-z_.0-9]*+)"
    r"|(?P<end>\Z)",
    re.ASCII | re.DOTALL,
)
EXTENT = re.compile(INTEGER)
ETHERNET = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
IPV4 = re.compile(r"\.".join(["(0|[1-9][0-9]{0,2})"] * 4))
DIGITS = frozenset("0123456789")
LONGEST_IPV6 = 45
ALL_IPV4 = 0xFFFFFFFF
ALL_IPV6 = (1 << 128) - 1


class BadConstantError(ValueError):
    """What is wrong with a constant; the lexer tells it with the place."""


def tokens(text: str) -> list[Token]:
    """All tokens of a text, with ``end`` as the last; what is wrong with the text ends it as a token with an error.

    Takes time linear in the text.
    """
    found: list[Token] = []
    at = 0
    while True:
        token = _token(text, at)
        found.append(token)
        if token.error or token.kind == "end":
            return found
        at = token.end


def _token(text: str, at: int) -> Token:
    at = SPACE.match(text, at).end()  # type: ignore[union-attr]
    match = TOKEN.match(text, at)
    if match is None:
        return _unreadable(text, at)
    kind = match.lastgroup or ""
    start, end = match.span(kind)
    if kind == "punctuation":
        return Token(text[start:end], start, end)
    if kind == "number":
        return _number(text, start, end)
    if kind == "string":
        return _string(text, start, end)
    if kind == "reference":
        return Token(text[start], start, end, text[start + 1 : end])
    return Token(kind, start, end, text[start:end])


def _unreadable(text: str, at: int) -> Token:
    """A token for what no rule takes."""
    c = text[at]
    if c == '"':
        error = "Input ends inside quoted string."
    elif text.startswith("/*", at):
        error = "`/*' without matching `*/'."
    elif c == "/":
        error = "`/' is only valid as part of `//' or `/*'."
    elif c in "&|":
        error = f"`{c}' is only valid as part of `{c}{c}'."
    elif c in "$@":
        error = f"`{c}' must be followed by a valid identifier."
    elif c == ".":
        error = "`.' is only valid as part of `..' or a number."
    elif c.isprintable():
        error = f"Invalid character `{c}' in input."
    else:
        error = f"Invalid character U+{ord(c):04X} in input."
    return Token("error", at, at + 1, error=error)


def _string(text: str, start: int, end: int) -> Token:
    """A string, with the escapes of JSON (RFC 8259, section 7)."""
    if text.find("\\", start, end) < 0:
        return Token("string", start, end, text[start + 1 : end - 1])
    try:
        value = json.loads(text[start:end], strict=False)
        value.encode()
    except (json.JSONDecodeError, UnicodeEncodeError):
        return Token("error", start, end, error="Invalid escape in quoted string.")
    if "\0" in value:
        return Token("error", start, end, error="Null character in quoted string.")
    return Token("string", start, end, value)


def _number(text: str, start: int, end: int) -> Token:
    """An integer, with the mask after a slash when there is one."""
    try:
        number = integer(text[start:end])
        if text.startswith("/", end):
            start_mask, end = end + 1, EXTENT.match(text, end + 1).end()  # type: ignore[union-attr]
            number = _masked(number, integer(text[start_mask:end]))
    except BadConstantError as e:
        return Token("error", start, end, error=str(e))
    return Token("number", start, end, number)


def integer(text: str) -> Number:
    """The constant that a text without mask means: decimal, hexadecimal, Ethernet, IPv4 or IPv6.

    Raises:
        BadConstantError: it means none.
    """
    if not text:
        raise BadConstantError("Integer constant expected.")
    if DIGITS.issuperset(text):
        if text[0] == "0" and len(text) > 1:
            raise BadConstantError("Decimal constants must not have leading zeros.")
        if len(text) > 20 or (value := int(text)) >= 1 << 64:
            raise BadConstantError("Decimal constants must be less than 2**64.")
        return Number(value, "decimal")
    if len(text) == 17 and ETHERNET.fullmatch(text):
        return Number(int(text.replace(":", ""), 16), "Ethernet")
    if text[:2] in ("0x", "0X"):
        return _hexadecimal(text)
    if len(text) <= LONGEST_IPV6:
        ipv4 = IPV4.fullmatch(text)
        if ipv4 and all(int(byte) <= 255 for byte in ipv4.groups()):
            a, b, c, d = map(int, ipv4.groups())
            return Number(a << 24 | b << 16 | c << 8 | d, "IPv4")
        try:
            return Number(int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big"), "IPv6")
        except OSError:
            pass
    raise BadConstantError("Invalid numeric constant.")


def _hexadecimal(text: str) -> Number:
    digits = text[2:].lstrip("0")
    if len(text) == 2:
        raise BadConstantError(f"Hex digits expected following {text}.")
    if not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise BadConstantError("Invalid syntax in hexadecimal constant.")
    if len(digits) > 256:
        raise BadConstantError("Hexadecimal constant requires more than 1024 bits.")
    return Number(int(digits or "0", 16), "hexadecimal")


def _masked(number: Number, mask: Number) -> Number:
    """A constant with a mask in its own form, or a prefix length for an address."""
    if number.format == mask.format:
        bits, form = mask.value, number.format
    elif number.format == "IPv4" and mask.format == "decimal" and mask.value <= 32:
        bits, form = ALL_IPV4 >> mask.value ^ ALL_IPV4, number.format
    elif number.format == "IPv6" and mask.format == "decimal" and mask.value <= 128:
        bits, form = ALL_IPV6 >> mask.value ^ ALL_IPV6, number.format
    elif number.format == "decimal" and mask.format == "hexadecimal" and number.value == 0:
        bits, form = mask.value, mask.format
    else:
        raise BadConstantError("Value and mask have incompatible formats.")
    return Number(number.value & bits, form, bits)


class Reader:
    """A place in a list of tokens, shared by the parsers of expressions and of actions."""

    __slots__ = ("index", "list", "text", "token")

    def __init__(self, text: str) -> None:
        """Starts at the first token of a text."""
        self.text = text
        self.list = tokens(text)
        self.index = 0
        self.token = self.list[0]

    def advance(self) -> Token:
        """Steps over the current token, and returns it. The last one is never stepped over."""
        token = self.token
        self.index += 1
        self.token = self.list[self.index]
        return token

    def take(self, kind: str) -> bool:
        """Steps over the current token if it is of that kind; whether it did."""
        if self.token.kind == kind:
            self.advance()
            return True
        return False

    def need(self, kind: str) -> None:
        """Steps over a token of that kind, or raises LflowError."""
        if not self.take(kind):
            raise self.expected(f"`{kind}'")

    def small_integer(self) -> int:
        """Steps over a decimal integer below 2**31, or raises LflowError."""
        value = self.token.value
        if isinstance(value, Number) and value.format == "decimal" and value.mask is None and value.value < 1 << 31:
            self.advance()
            return value.value
        raise self.expected("small integer")

    def ahead(self) -> str:
        """The kind of the token after the current one."""
        return self.list[min(self.index + 1, len(self.list) - 1)].kind

    def error(self, message: str, position: int) -> LflowError:
        """The error to raise for a place; what the lexer found wrong with the current token comes first."""
        if self.token.error:
            return LflowError(self.token.error, self.token.start, self.text)
        return LflowError(message, position, self.text)

    def expected(self, what: str) -> LflowError:
        """The error to raise when the current token is not what should stand there."""
        token = self.token
        place = "end of input" if token.kind == "end" else f"`{self.text[token.start : token.end]}'"
        return self.error(f"Syntax error at {place} expecting {what}.", token.start)
