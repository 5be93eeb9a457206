"""The three databases: what the administrator wants, what all hosts share, and one host's switch."""

from pathlib import Path

from ovn_rules.engine import Database

_HERE = Path(__file__).parent

nb = Database("nb", _HERE / "ovn-nb.ovsschema")
sb = Database("sb", _HERE / "ovn-sb.ovsschema")
ovs = Database("ovs", _HERE / "vswitch.ovsschema")
