"""Ports for the servers that tests and the kit start."""

import socket
from pathlib import Path

import pytest

from tools import server
from tools.server import LOOPBACK, PORTS, free_port

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not OUTGOING.exists(), reason="only Linux tells")
def test_no_outgoing_connection_can_take_a_servers_port() -> None:
    first, last = map(int, OUTGOING.read_text().split())
    assert not {*PORTS} & {*range(first, last + 1)}


def test_a_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two, the one that something listens at is passed over."""
    with socket.socket() as listening:
        taken = free_port()
        listening.bind((LOOPBACK, taken))
        other = free_port()
        monkeypatch.setattr(server, "PORTS", [taken, other])
        assert {free_port() for _ in range(20)} == {other}
