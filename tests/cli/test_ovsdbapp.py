"""The northbound database as an orchestrator drives it: through ovsdbapp, in transactions of its own."""

import pytest
from ovsdbapp import api as interface
from ovsdbapp.backend import ovs_idl
from ovsdbapp.backend.ovs_idl import connection, transaction
from world import until


class Northbound(ovs_idl.Backend, interface.API):
    """ovsdbapp's generic commands on the EZ Bake schema."""

    def create_transaction(self, check_error=False, log_errors=True, **_kwargs):
        """A transaction of ovsdbapp's own kind."""
        link = self.ovsdb_connection
        return transaction.Transaction(self, link, link.timeout, check_error, log_errors)


@pytest.fixture
def api(world):
    """A connection of ovsdbapp's to the northbound database, with a northd at work."""
    world.northd().wait("active")
    idl = connection.OvsdbIdl.from_server(world.nb.remote, "OVN_Northbound")
    link = connection.Connection(idl=idl, timeout=10)
    yield Northbound(link)
    link.stop()


def test_ports_made_by_an_orchestrator(world, api):
    """A switch and ports made through ovsdbapp, several in one transaction, get bindings, flows and a state."""
    switch = api.db_create("Logical_Switch", name="sw0").execute(check_error=True)
    with api.transaction(check_error=True) as change:
        for i in (1, 2):
            mac = f"00:00:00:00:00:0{i}"
            change.add(api.db_create("Logical_Port", name=f"p{i}", lswitch=switch, macs=[mac], port_security=[mac]))
    until(lambda: sorted(world.tunnel_keys()) == ["p1", "p2"], "Binding")
    until(lambda: 'outport == "p2" && eth.dst == {00:00:00:00:00:02}' in str(world.pipeline()), "Pipeline")
    ports = api.db_list("Logical_Port", columns=["name", "up"])
    until(lambda: [p["up"] for p in ports.execute(check_error=True)] == [False, False], "up")
