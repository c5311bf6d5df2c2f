"""The cookies of launches and views, in the browser that the EHR opened.

On the way: the launch, encrypted, under a name made of its `state`, so that several may be under
way. Afterwards: a secret for each view, whose id is in the address, so that two patients in two
windows stay apart. In an EHR's frame they are third-party cookies: `SameSite=None; Partitioned`.
"""

from __future__ import annotations

import hashlib
import re

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from cds_service.trust.smart import sealing
from cds_service.trust.smart.refused import LaunchRefused, Why
from cds_service.web.smart.app import smart_app

# Of one browser: all cookies together must fit into a request's headers.
AT_ONCE = 4  # launches on their way
WINDOWS = 16  # views
LAUNCH, VIEW = "cds-launch-", "cds-view-"
_VIEW = re.compile(r"[0-9a-f]{16}")


def on_the_way(state: str) -> str:
    digest = hashlib.sha256(state.encode()).hexdigest()
    return smart_app().jar.named(f"{LAUNCH}{digest[:16]}")


def make_room(answer: BaseResponse, kind: str) -> None:
    """For one more of this kind the oldest go; of one second: browsers send those first."""
    most, age = (AT_ONCE, _issued) if kind == LAUNCH else (WINDOWS, str)
    kept = [name for name in request.cookies if name.startswith(smart_app().jar.named(kind))]
    for name in sorted(kept, key=age)[: 1 - most]:
        forget(answer, name)


def _issued(name: str) -> int:
    """When the launch in this cookie began; of what cannot be read, long ago."""
    try:
        return sealing.unseal(request.cookies[name], smart_app().store.keys).issued
    except LaunchRefused:
        return 0


def of_view(view: str) -> str:
    return smart_app().jar.named(f"{VIEW}{view}")


def secret(view: str) -> str:
    """Of this browser's view. Raises LaunchRefused."""
    kept = request.cookies.get(of_view(view), "") if _VIEW.fullmatch(view) else ""
    if not kept:
        raise LaunchRefused(Why.ENDED)
    return kept


def put(answer: BaseResponse, name: str, value: str, seconds: int) -> None:
    secure = smart_app().jar.secure
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=smart_app().jar.path,
        secure=secure,
        httponly=True,
        samesite="None" if secure else "Lax",
        partitioned=secure,
    )


def forget(answer: BaseResponse, name: str) -> None:
    put(answer, name, "", 0)
