"""What central has derived, as a chassis reads it from the southbound database."""

from ovn_rules.engine import rule
from ovn_rules.rules.ezbake.databases import sb
from ovn_rules.rules.ezbake.relations import Pipeline, Port


@rule
def stored_port(name, datapath, key, parent, tag):
    """A chassis knows the logical ports from their Binding rows."""
    Port(name, datapath, key, parent, tag) <= sb.Binding(
        logical_port=name, logical_datapath=datapath, tunnel_key=key, parent_port=parent, tag=tag
    )


@rule
def stored_pipeline(datapath, table, priority, match, actions):
    """A chassis knows the logical flows from the Pipeline rows."""
    Pipeline(datapath, table, priority, match, actions) <= sb.Pipeline(
        logical_datapath=datapath, table_id=table, priority=priority, match=match, actions=actions
    )
