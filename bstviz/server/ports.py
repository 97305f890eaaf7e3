"""Ports: one that nobody listens on, on any address that a browser might mean by the server's name."""

from __future__ import annotations

import os
import socket

from bstviz.errors import UserError

Host = tuple[socket.AddressFamily, str]
PORT, PORTS = 8501, 100
"""The first port that is tried where none is named, and how many are."""


def port_for(address: str, port: int | None) -> int:
    """The port to listen on.

    Args:
        address: To listen on.
        port: One that was asked for, 0 for one of the system's choice; the first free one from :data:`PORT` on when
            left out.

    Raises:
        UserError: There is no such address here, or the port is taken.
    """
    hosts = _hosts(address)
    if port == 0 or (port is not None and _free(hosts, port)):
        return port
    first = PORT if port is None else port + 1
    found = next((p for p in range(first, min(first + PORTS, 2**16)) if _free(hosts, p)), 0)
    if port is None and found:
        return found
    which = f"Port {port} of {address} is" if port is not None else f"Ports {PORT} to {PORT + PORTS - 1} are"
    other = str(found) if found else "0, any that is free"
    raise UserError(f"{which} taken by another program, or closed to this user; choose another: --port {other}.")


def _hosts(address: str) -> list[Host]:
    """The addresses of this machine that a name stands for: localhost is often two."""
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    hosts: dict[Host, None] = dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found)
    here = [(family, host) for family, host in hosts if _bound(family, host, 0)]
    if here:
        return here
    raise UserError(
        f"There is no address {address!r} on this machine; allowed are localhost (programs of this machine alone), "
        "0.0.0.0 (everybody who reaches it), or an address or name of its own."
    )


def _free(hosts: list[Host], port: int) -> bool:
    """Whether nobody listens on a port of these addresses, and this process may."""
    for family, host in hosts:
        with socket.socket(family, socket.SOCK_STREAM) as caller:
            caller.settimeout(1)
            if caller.connect_ex((host, port)) == 0:
                return False
    return all(_bound(*host, port) for host in hosts)


def _bound(family: socket.AddressFamily, host: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as taken:
        if os.name != "nt":  # there it would share the port of another
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
        except OSError:
            return False
    return True
