"""Streams to a server."""

import os
import socket

import pytest

from ovn_rules.io.streams import open_stream

LARGE = bytes(1 << 20)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets buffers beyond the machine's limit")
def test_a_server_that_is_busy(tmp_path):
    """A large transaction is taken at once, though the server doesn't read yet."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        stream = open_stream(f"unix:{tmp_path / 'socket'}", None)
        stream.run()
        assert stream.connect() == 0
        assert stream.send(LARGE) == len(LARGE)
        stream.close()
