"""The service with a resolver that lies: `python -m tests.hostile.rebound_server serve ...`.

REBOUND_NAME resolves to the addresses of REBOUND_TO one after the other, the last one for ever.
Every address connected to is told on standard error.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

resolve, connect = socket.getaddrinfo, socket.socket.connect
name = os.environ["REBOUND_NAME"]
addresses = os.environ["REBOUND_TO"].split(",")


def rebound(host: Any, port: Any, *args: Any, **more: Any) -> Any:
    if host != name:
        return resolve(host, port, *args, **more)
    address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return [(family, socket.SOCK_STREAM, 6, "", (address, port))]


def told(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        sys.stderr.write(f"CONNECT {address[0]}\n")
        sys.stderr.flush()
    connect(self, address)


socket.getaddrinfo = rebound
socket.socket.connect = told  # type: ignore[method-assign]

if __name__ == "__main__":
    from cds_service.cli import main

    main()
