"""Everything this service refuses, each with its HTTP status and FHIR issue type.

    CdsError                     500  exception
      BadRequest                 400  structure | required | value | invalid
      Refusal                         (who calls, and whether they may)
        NotAuthenticated         401  login
        NotAllowed               403  forbidden
        NotLoggedIn              403  login
        Misdirected              421  forbidden
        Unverifiable             503  transient
      NotFound                   404  not-found
      MethodNotAllowed           405  not-supported
      RequestTimeout             408  timeout
      DataUnavailable            412  incomplete
      PayloadTooLarge            413  too-long
      UnsupportedMediaType       415  not-supported
      TooManyRequests            429  throttled (with Retry-After)
      Unavailable                503  transient (with Retry-After)
      Overloaded                 503  throttled (with Retry-After)
      SettingsError                   (at start-up: never reaches a client)

Messages reach the caller word for word: they name elements and rules, never the values
found in a patient's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: FHIR severity and issue type, words for a human, and where it is.

    `expression` holds JSON paths such as `prefetch.conditions.entry[3].resource.onsetDateTime`.
    """

    severity: str
    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()


class CdsError(Exception):
    """A refusal the caller is told about, carrying one issue or several."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"
    severity: ClassVar[str] = "error"
    #: seconds after which the same request may be answered
    retry_after: int | None = None

    def __init__(
        self,
        message: str,
        *,
        expression: Sequence[str] = (),
        code: str | None = None,
        issues: Sequence[Issue] = (),
    ) -> None:
        super().__init__(message)
        alone = Issue(self.severity, code or self.code, message, tuple(expression))
        self.issues: tuple[Issue, ...] = tuple(issues) or (alone,)

    @classmethod
    def of(cls, issues: Sequence[Issue]) -> Self:
        """The error carrying all of `issues` (at least one)."""
        if not issues:
            raise ValueError("an error needs at least one issue")
        return cls("; ".join(issue.diagnostics for issue in issues), issues=issues)


class BadRequest(CdsError):
    """The request is not one this service can read."""

    status = 400
    code = "invalid"


class Refusal(CdsError):
    """A caller who is not served. All are told the same; `reason` is for log and counters.

    `reason` is a code (`cds_service.trust.refusals.Reason`), never anything the caller sent.
    """

    told: ClassVar[str]

    def __init__(self, reason: str) -> None:
        super().__init__(self.told)
        self.reason = str(reason)


class NotAuthenticated(Refusal):
    """Nobody we know, or not proved."""

    status = 401
    code = "login"
    told = "Not authenticated."


class NotAllowed(Refusal):
    """Known, but not for this."""

    status = 403
    code = "forbidden"
    told = "Not allowed."


class NotLoggedIn(Refusal):
    """A page for operators, and no session of one."""

    status = 403
    code = "login"
    told = "Log in first."


class Misdirected(Refusal):
    """Reached under a name, or by a way, that an open server does not accept."""

    status = 421
    code = "forbidden"
    told = "This server does not answer under this name, or through this proxy."


class Unverifiable(Refusal):
    """Whether the caller may be served cannot be found out now."""

    status = 503
    code = "transient"
    retry_after = 5
    told = "Not available now."


class NotFound(CdsError):
    """Nothing is served at this address."""

    status = 404
    code = "not-found"


class MethodNotAllowed(CdsError):
    """The address exists, but not for this method."""

    status = 405
    code = "not-supported"


class RequestTimeout(CdsError):
    """The body did not arrive in time."""

    status = 408
    code = "timeout"


class DataUnavailable(CdsError):
    """The patient cannot be judged on what was sent and could be fetched."""

    status = 412
    code = "incomplete"


class PayloadTooLarge(CdsError):
    """The body is larger than this server accepts."""

    status = 413
    code = "too-long"


class UnsupportedMediaType(CdsError):
    """The body is not JSON."""

    status = 415
    code = "not-supported"


class TooManyRequests(CdsError):
    """This client has called as often as it may for now."""

    status = 429
    code = "throttled"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many calls. Call again in {seconds} seconds.")
        self.retry_after = seconds


class Unavailable(CdsError):
    """What the answer needs, such as the database, cannot be used now."""

    status = 503
    code = "transient"
    retry_after = 5
    #: what the database's driver calls it, such as SQLITE_FULL
    cause: str = ""


class Overloaded(CdsError):
    """This server is working on as many calls as it can."""

    status = 503
    code = "throttled"
    retry_after = 1


class SettingsError(CdsError):
    """The service cannot start as it is configured. For the operator, not for a client."""


def operation_outcome(error: CdsError) -> dict[str, Any]:
    """The FHIR R4 OperationOutcome that tells a client about `error`."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [_issue(issue) for issue in error.issues],
    }


def _issue(issue: Issue) -> dict[str, Any]:
    told: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.diagnostics,
    }
    if issue.expression:  # FHIR forbids empty arrays
        told["expression"] = list(issue.expression)
    return told
