"""How the cookies of this service are named, and where browsers send them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from cds_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Jar:
    """`path`: of the public URL. `secure`: whether clients come by HTTPS."""

    path: str
    secure: bool

    def named(self, name: str) -> str:
        """The prefix binds a cookie to this host; below a path it can only bind it to HTTPS."""
        if not self.secure:
            return name
        return f"{'__Host-' if self.path == '/' else '__Secure-'}{name}"


def jar(settings: Settings) -> Jar:
    """For the public URL of the settings."""
    public = urlsplit(settings.base_url())
    return Jar(path=public.path or "/", secure=public.scheme == "https")
