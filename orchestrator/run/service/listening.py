"""Where our servers listen."""

from __future__ import annotations

import socket

from orchestrator.errors import ConfigError

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def listen(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send at once.

    asyncio switches Nagle's algorithm off only on sockets that name their protocol, which those of `create_server` do
    not: with it, each answer whose head and body are written one after the other waits 40 ms for an acknowledgement.

    Raises ConfigError: it is not possible to listen there.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        hint = "Choose another with --host and --port, or stop the program that uses it"
        raise ConfigError(f"cannot listen there: {error.strerror}", where=f"{host}:{port}", hint=hint) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    return listener
