"""Addresses to listen on: whether one is free, who can reach it, and whether something answers there."""

from __future__ import annotations

import ipaddress
import socket
import urllib.error
import urllib.request

from llf_kit.errors import UsageError

# A proxy of the house is not asked for an address of this machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check_free(host: str, port: int) -> None:
    """Nothing, where ``port`` can be listened on.

    Raises:
        UsageError: it is taken, or ``host`` is no address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        what = f"--port {port}: cannot be used on {host} ({error.strerror})"
        raise UsageError(f"{what}. Give another --port, or end what uses it.") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(host: str, port: int) -> str:
    """The address by which this machine itself reaches what listens on ``host``."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{bracketed(near)}:{port}"


def bracketed(host: str) -> str:
    """``host`` as it stands before a colon and a port."""
    return f"[{host}]" if ":" in host else host


def answers(address: str) -> bool:
    """Whether a page is served at ``address``, be it a login."""
    try:
        with _DIRECT.open(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
