"""Why a launch came to nothing: a code for the log, words for the person in front of it."""

from __future__ import annotations

from enum import StrEnum

from cds_service.errors import CdsError


class Why(StrEnum):
    """In the order of a launch."""

    UNREGISTERED = "smart-unregistered"
    UNREACHABLE = "smart-unreachable"
    CONFIGURATION = "smart-configuration"
    STATE = "smart-state"
    REUSED = "smart-reused"
    DENIED = "smart-denied"
    ISSUER = "smart-issuer"
    TOKEN = "smart-token"  # noqa: S105  # a reason, no secret
    PATIENT = "smart-patient"
    IDENTITY = "smart-identity"
    ENDED = "smart-ended"


_WORDS = {
    Why.UNREGISTERED: (400, "This FHIR server is not one that may open this app."),
    Why.UNREACHABLE: (502, "The EHR's server did not answer as it should. Try again."),
    Why.CONFIGURATION: (502, "The EHR's server does not say how to authorize this app."),
    Why.STATE: (400, "This launch was not begun in this browser, or too long ago."),
    Why.REUSED: (400, "This launch has been used already."),
    Why.DENIED: (403, "The EHR did not authorize this app."),
    Why.ISSUER: (400, "The answer came from another server than the one asked."),
    Why.TOKEN: (502, "The EHR's server did not give a token that can be used."),
    Why.PATIENT: (502, "The EHR did not say which patient this is about."),
    Why.IDENTITY: (502, "The EHR did not prove who the user is."),
    Why.ENDED: (403, "This view has ended."),
}


class LaunchRefused(CdsError):
    """A launch that goes no further. `why` is for log and counters."""

    def __init__(self, why: Why) -> None:
        status, words = _WORDS[why]
        super().__init__(words)
        self.why = why
        self.answered = status
