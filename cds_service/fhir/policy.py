"""Whom this service may ask for data, and how much: one frozen object, made at the edge."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: where clouds keep their machines' credentials, also outside the link-local ranges
METADATA = frozenset(
    ipaddress.ip_address(one)
    for one in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)
#: IPv6 ranges whose addresses end in an IPv4 address: NAT64 (also for local use), translated and
#: compatible ones
_EMBEDDING = tuple(
    ipaddress.ip_network(one)
    for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
)
_SHARED = ipaddress.ip_network("100.64.0.0/10")  # of carriers, and of clouds' own networks
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that IANA has given out of IPv6
_DEFAULT_PORTS = {"http": 80, "https": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`servers`: base URLs that may be asked. `private`: those of them on the site's own network.

    Limits: `deadline` in seconds for all that one hook call fetches, `size` in bytes and `pages`
    for one prefetch key, `connections` at the same time over all calls. `ca`: a file of
    certificate authorities to trust instead of the usual ones.
    """

    servers: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()
    deadline: float = 2.0
    size: int = 5_000_000
    pages: int = 20
    connections: int = 16
    ca: Path | None = None

    def base(self, url: str) -> str | None:
        """The registered base URL that `url` names, or None when it must not be asked."""
        try:
            base = normal(url)
        except ValueError:
            return None
        return base if base in self.servers else None

    def accepts(self, address: str, host: str, port: int) -> bool:
        """Whether a connection for `host`:`port` may go to the IP address `address`."""
        own = any(_origin(base)[1:] == (host.lower(), port) for base in self.private)
        return reachable(address, private=own)


def normal(url: str) -> str:
    """`url` as base URLs are compared. Raises ValueError for what is no FHIR base URL.

    https only, but for a server on this machine.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or "?" in url or "#" in url or not _plain(url):
        raise ValueError("must be an absolute URL without user, query and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and on_this_machine(host)):
        raise ValueError("must be an https URL (http for a server on this machine only)")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    written = f"[{host}]" if ":" in host else host
    authority = written if port == _DEFAULT_PORTS[parts.scheme] else f"{written}:{port}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"


def beneath(url: str, base: str) -> bool:
    """Whether `url` is at the FHIR server of `base` (normal form) and below its path."""
    try:
        if not _plain(url) or urlsplit(url).username is not None or _origin(url) != _origin(base):
            return False
    except ValueError:
        return False
    here, path = urlsplit(base).path, urlsplit(url).path
    return path == here or path.startswith(f"{here}/")


def on_this_machine(host: str) -> bool:
    """Whether `host` is written as the machine itself; names are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def reachable(address: str, *, private: bool) -> bool:
    """Public addresses; with `private` also the site's own. Metadata and link-local never."""
    ip = _unwrapped(ipaddress.ip_address(address.split("%", maxsplit=1)[0]))
    if ip in METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    public = ip.is_global and (ip.version == 4 or ip in _GLOBAL_UNICAST)  # noqa: PLR2004
    return public or (private and (ip.is_private or ip.is_loopback or ip in _SHARED))


def _unwrapped(ip: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, Teredo, NAT64 and the older forms."""
    if not isinstance(ip, ipaddress.IPv6Address) or ip.is_loopback or ip.is_unspecified:
        return ip
    if any(ip in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    return inside or ip


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def _plain(url: str) -> bool:
    """No blanks, backslashes or steps upwards, by which readers of URLs come to differ.

    Some servers drop what follows `;` in a step, or decode twice, before they look for steps.
    """
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    path = unquote(urlsplit(url).path)
    steps = [step.partition(";")[0] for step in path.split("/")]
    return ".." not in steps and "." not in steps and not {"\\", "%"} & set(path)
