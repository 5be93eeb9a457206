"""How names, rows and sets are written in matches, actions and external ids, and what new rows are called."""

from json.encoder import encode_basestring
from uuid import UUID, uuid5

from ovn_rules.engine import Uuid, pure

_NAMESPACE = UUID("5c5de2a3-7d0b-5a4a-9c0f-3c1b8a0d6a55")


@pure
def quoted(name: str) -> str:
    """A name as a string of ovn-sb(5) matches and actions: in double quotes, escaped as JSON does."""
    return encode_basestring(name)


@pure
def hint(row: Uuid) -> tuple[str, ...]:
    """The stage-hint of a northbound row: the first eight digits of its UUID."""
    return (str(row)[:8],)


@pure
def constants(values: tuple[str, ...]) -> str:
    """What a match of ovn-sb(5) compares with: a constant, or several in braces."""
    return values[0] if len(values) == 1 else f"{{{', '.join(values)}}}"


@pure
def made_row(parts: tuple[str, ...]) -> Uuid:
    """The UUID of a row that has none of a northbound row: it follows from what the row is for."""
    return Uuid(str(uuid5(_NAMESPACE, "\n".join(parts))))
