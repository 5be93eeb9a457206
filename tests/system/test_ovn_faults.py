"""Our northd while it, its servers and their data fail: in the end all is as ovn-northd would have it."""

from __future__ import annotations

import shutil
import signal
import time
from random import Random

import pytest
from ovn_stream import Stream, rewritten_by_theirs
from served import Served
from servers import Client

pytestmark = pytest.mark.xdist_group("faults")


def test_it_is_killed(served):
    """Without warning, at any point of a stream of changes: each is written once, before or after."""
    random = Random(5)  # noqa: S311 - nothing secret
    stream = Stream(served, 5)
    stream.settled()
    for _ in range(8):
        whole = stream.change(10)
        stream.ask()
        time.sleep(random.random() * 0.03)
        served.stop_northd()
        served.start()
        vain = stream.settled()
        assert not whole or vain == []
    assert rewritten_by_theirs(served, stream) == []


def test_databases_restart(served):
    """Either one, while changes go on and transactions are under way: what came meanwhile is written, nothing else."""
    stream = Stream(served, 6)
    stream.settled()
    for server in (served.sb, served.nb, served.sb, served.nb):
        server.freeze()
        whole = server is served.nb or stream.change(20)
        time.sleep(0.2)  # for ours to send what follows, which is lost
        server.stop(signal.SIGKILL)
        server.start()
        whole = whole if server is served.sb else stream.change(20)
        vain = stream.settled()
        assert not whole or vain == []
    served.sb.stop()
    served.nb.stop()
    served.nb.start()
    served.sb.start()
    stream.settle()
    assert stream.southbound.take() == []
    assert rewritten_by_theirs(served, stream) == []


def test_a_database_is_silent(served):
    """northd_probe_interval says for how long; over a unix socket nothing is probed without it."""
    served.run("--wait=sb set NB_Global . options:northd_probe_interval=1000")
    served.sb.freeze()
    end = time.monotonic() + 20
    while not any(line.endswith("lost: no answer to a probe") for line in served.ours.log()):
        assert time.monotonic() < end, served.ours.log()
        time.sleep(0.05)
    served.sb.thaw()
    served.run("--wait=sb ls-add sw0")
    assert [row["external_ids"] for row in served.sb.select("Datapath_Binding")] != []


@pytest.mark.parametrize("database", ["sb", "nb"])
def test_a_database_is_rolled_back(served, database, tmp_path):
    """An older copy of its file is put back: the southbound database becomes what the northbound one asks for now."""
    stream = Stream(served, 8)
    stream.settle()
    server = getattr(served, database)
    server.stop()
    shutil.copy(server.file, tmp_path / "older")
    server.start()
    for _ in range(10):
        stream.change(10)
        stream.settle()
    server.stop()
    shutil.copy(tmp_path / "older", server.file)
    server.start()
    stream.begin_anew()
    stream.settle()
    stream.change()
    stream.settle()
    assert rewritten_by_theirs(served, stream) == []


def test_a_transaction_is_refused(tmp_path):
    """Somebody is faster, and puts rows in the way of ours: they go, and ours come."""
    served = Served(tmp_path, northd=False)
    try:
        foreign = Client(served.sb.socket)  # connected before ours, so that the server reads it first
        foreign.call("get_schema", "OVN_Southbound")
        served.start()
        served.run("--wait=sb ls-add sw0 -- lsp-add sw0 p1")
        datapath = served.sb.select("Datapath_Binding")[0]["_uuid"]
        served.sb.freeze()
        names = [f"q{number}" for number in range(8)]
        served.run(" -- ".join(f"lsp-add sw0 {name}" for name in names))
        time.sleep(0.3)  # for ours to send what follows, which the server can't read yet
        rows = [("q1", 3), ("foreign", 4)]
        rows = [{"datapath": datapath, "logical_port": name, "tunnel_key": key} for name, key in rows]
        inserts = [{"op": "insert", "table": "Port_Binding", "row": row} for row in rows]
        foreign.send({"id": 99, "method": "transact", "params": ["OVN_Southbound", *inserts]})
        served.sb.thaw()
        assert foreign.receive()["result"][-1]["uuid"]
        served.sync()
        ports = {row["logical_port"] for row in served.sb.select("Port_Binding")}
        assert ports == {"p1", *names}
        assert rewritten_by_theirs(served, Stream(served, 9)) == []
    finally:
        served.close()
