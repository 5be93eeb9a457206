"""The two databases of the central program: what the administrator wants, and what all hosts share."""

from pathlib import Path

from ovn_rules.engine import Database

_HERE = Path(__file__).parent

nb = Database("nb", _HERE / "ovn-nb.ovsschema")
sb = Database("sb", _HERE / "ovn-sb.ovsschema")
