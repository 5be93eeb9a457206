"""What a switch does with a packet, from the text of its flows alone: a simulator of pure functions.

It reads flows in the canonical form of ``ovs-ofctl -O OpenFlow13 --no-names dump-flows`` and does with a packet what
ovs-fields(7) and ovs-actions(7) say; where those are silent it does what ``ovs-appctl ofproto/trace`` was seen to do
in Open vSwitch 3.1. It knows the actions that the rules write: resubmit, output, set_field, load, move, push, pop,
push_vlan, pop_vlan, conjunction and drop.

- ``fields``: where each field of a packet stands in one integer, and the names it has in matches and actions.
- ``match``: a match as a value and a mask of that integer.
- ``packet``: a packet on its way through a switch.
- ``actions``: actions as they are carried out.
- ``tables``: which flow of a table a packet meets, found without reading all of them.
- ``simulate``: the way of a packet through the tables, as a tree.
"""

from ovn_rules.rules.openflow.actions import ActionError
from ovn_rules.rules.openflow.match import Differing, MatchError, differing
from ovn_rules.rules.openflow.packet import Packet, packet_text
from ovn_rules.rules.openflow.simulate import Ignored, Output, Step, Wrote, simulate
from ovn_rules.rules.openflow.tables import Flow, FlowTable, Hit

__all__ = [
    "ActionError",
    "Differing",
    "Flow",
    "FlowTable",
    "Hit",
    "Ignored",
    "MatchError",
    "Output",
    "Packet",
    "Step",
    "Wrote",
    "differing",
    "packet_text",
    "simulate",
]
