"""Why a caller was refused: codes for the log and the counters, never for the caller.

`refused` is sent once for each refusal, with the code as sender and `client` (a registered
name, or None). Whoever counts connects to it: `refused.connect(receiver)`.
"""

from __future__ import annotations

from enum import StrEnum

from blinker import Namespace

_signals = Namespace()
#: sender: the reason; `client`: the registered name once it is proved, else None
refused = _signals.signal("refused")
#: something was checked less strictly than usual; sender: what (`replay-local`, `stale-keys`)
degraded = _signals.signal("degraded")


class Reason(StrEnum):
    """In the order of the checks."""

    HOST = "host"
    FORWARDED = "forwarded"
    NO_TOKEN = "no-token"  # noqa: S105  # a reason, no secret
    NOT_BEARER = "not-bearer"
    TOO_LARGE = "token-too-large"
    MALFORMED = "malformed"
    TYPE = "type"
    CRITICAL_HEADER = "critical-header"
    NO_KID = "no-kid"
    ISSUER = "unknown-issuer"
    ALGORITHM = "algorithm"
    JKU = "foreign-jku"
    KEY = "unknown-key"
    KEYS_UNAVAILABLE = "keys-unavailable"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not-yet-valid"
    TOO_OLD = "too-old"
    NO_JTI = "no-jti"
    TENANT = "tenant"
    REPLAYED = "replayed"
    REPLAY_UNCHECKED = "replay-unchecked"
    SERVICE = "service-not-allowed"
    EXPLAIN = "explain-not-allowed"
    CROSS_SITE = "cross-site"
    NO_SESSION = "no-session"
