"""What a user's tool writes to the northbound database, in one transaction each."""

from __future__ import annotations

import json

from netns import command


class Northbound:
    """Plain transactions to the northbound database of a lab; independent of our own command line."""

    def __init__(self, lab):
        """Notes whose database it is."""
        self.lab = lab

    def transact(self, *operations):
        """Runs operations of RFC 7047, section 5.2; their results."""
        text = json.dumps(["OVN_Northbound", *operations])
        results = json.loads(command("ovsdb-client", "transact", self.lab.nb, text))
        assert not any(isinstance(r, dict) and r.get("error") for r in results), results
        return results

    def add_switch(self, name):
        """A logical switch; its UUID."""
        row = {"op": "insert", "table": "Logical_Switch", "row": {"name": name}}
        return self.transact(row)[0]["uuid"]

    def add_port(self, switch, name, mac, parent=None, tag=None):
        """A logical port with one MAC, which is all that it may send from."""
        row = {"name": name, "lswitch": switch, "macs": mac, "port_security": mac}
        if parent is not None:
            row |= {"parent_name": parent, "tag": tag}
        return self.transact({"op": "insert", "table": "Logical_Port", "row": row})[0]["uuid"]

    def add_acl(self, switch, priority, match, action):
        """An ACL; its UUID."""
        row = {"lswitch": switch, "priority": priority, "match": match, "action": action, "log": False}
        return self.transact({"op": "insert", "table": "ACL", "row": row})[0]["uuid"]

    def delete(self, table, uuid):
        """Removes one row."""
        self.transact({"op": "delete", "table": table, "where": [["_uuid", "==", uuid]]})

    def up(self, name):
        """Whether the logical port is up."""
        where = [["name", "==", name]]
        select = {"op": "select", "table": "Logical_Port", "where": where, "columns": ["up"]}
        return self.transact(select)[0]["rows"][0]["up"]
