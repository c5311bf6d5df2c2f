"""Whether a form was sent by a page of this service.

Browsers tell where a request comes from (`Sec-Fetch-Site`, `Origin`), and no page can change
that. What is no browser sends neither, and carries no visitor's cookie.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from cds_service.errors import NotAllowed
from cds_service.trust.refusals import Reason

SAFE = ("GET", "HEAD", "OPTIONS")


def check() -> None:
    """Raises NotAllowed for a request that changes something and comes from a page elsewhere."""
    if request.method in SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        own = origin is None or urlsplit(origin).netloc == request.host
    if not own:
        raise NotAllowed(Reason.CROSS_SITE)
