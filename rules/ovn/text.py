"""How names, rows and sets are written in matches, actions and external ids."""

from json.encoder import encode_basestring

from ovn_rules.engine import Uuid, pure


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
