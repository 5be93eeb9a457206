"""lr_in_ip_routing_pre: route tables, which ports and static routes name, ovn-nb(5).

The main table is 0. The others of a router are numbered in the order in which its ports, by UUID, then its static
routes name them, as ovn-northd does: a southbound database that it wrote is taken over as it is.
Like there, names of ports aren't escaped in this stage.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Datapath, Flow
from ovn_rules.rules.ovn.router_routes import GoodRoute


class PortTable(Relation):
    """A router port whose packets go by a route table of their own."""

    router: Uuid = column("the router")
    port: Uuid = column("its northbound row")
    name: str = column("the port's name")
    table: str = column("the table's name")


class TableUser(Relation):
    """Who names a route table first."""

    router: Uuid = column("the router")
    table: str = column("the table's name")
    user: tuple[int, Uuid] = column("0 and a port, or 1 and a static route")


class TableOrder(Relation):
    """The route tables of a router."""

    router: Uuid = column("the router")
    tables: tuple[tuple[int, Uuid, str], ...] = column("names, with who names them first")


class RouteTable(Relation):
    """A route table's number."""

    router: Uuid = column("the router")
    table: str = column("the table's name; empty for the main one")
    number: int = column("0 for the main one")


@rule
def port_table(router, port, name, table):
    """The packets that a port receives go by the route table that it names."""
    PortTable(router, port, name, table) <= (
        Datapath(router, "router", _)
        & nb.Logical_Router.ports(router, port)
        & nb.Logical_Router_Port.options(port, "route_table", table)
        & (table != "")
        & nb.Logical_Router_Port(_uuid=port, name=name)
    )


class NamedTable(Relation):
    """A name of a route table, and where it stands."""

    router: Uuid = column("the router")
    table: str = column("the table's name")
    kind: int = column("0 for a port, 1 for a static route")
    user: Uuid = column("the port or route")


@rule
def named_table(router, port, route, table):
    """Ports and static routes name route tables."""
    NamedTable(router, table, 0, port) <= PortTable(router=router, port=port, table=table)
    NamedTable(router, table, 1, route) <= GoodRoute(router=router, route=route, table=table) & (table != "")


@rule
def route_table(router, table, kind, user, tables, first, number):
    """Who names a route table first decides its number; without a name it is the main one."""
    TableUser(router, table, min((kind, user))) <= NamedTable(router, table, kind, user)
    TableOrder(router, collect((user[0], user[1], table))) <= TableUser(router, table, user)
    RouteTable(router, first[2], number) <= TableOrder(router, tables) & ((number, first) in enumerate(tables, 1))
    RouteTable(router, "", 0) <= Datapath(router, "router", _)


@rule
def choose_table(router, name, table, number):
    """A packet goes by the route table of the port that it came through."""
    Flow(router, "lr_in_ip_routing_pre", 100, f'inport == "{name}"', f"reg7 = {number}; next;", (), ()) <= (
        PortTable(router, _, name, table) & RouteTable(router, table, number)
    )
