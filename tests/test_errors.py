from __future__ import annotations

import pytest

from cds_service import errors
from cds_service.errors import BadRequest, CdsError, DataUnavailable, Issue, operation_outcome


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.BadRequest, 400, "invalid"),
        (errors.NotFound, 404, "not-found"),
        (errors.MethodNotAllowed, 405, "not-supported"),
        (errors.DataUnavailable, 412, "incomplete"),
        (errors.PayloadTooLarge, 413, "too-long"),
        (errors.UnsupportedMediaType, 415, "not-supported"),
        (errors.Unavailable, 503, "transient"),
    ],
)
def test_each_refusal_has_its_http_status_and_issue_type(
    kind: type[CdsError], status: int, code: str
) -> None:
    error = kind("words")
    assert (error.status, error.issues[0].code) == (status, code)


def test_an_outcome_tells_what_is_wrong_and_where() -> None:
    error = BadRequest("is required", expression=["context.patientId"], code="required")
    assert operation_outcome(error) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "diagnostics": "is required",
                "expression": ["context.patientId"],
            }
        ],
    }


def test_an_outcome_without_a_place_has_no_empty_list() -> None:
    assert "expression" not in operation_outcome(CdsError("words"))["issue"][0]


def test_one_error_carries_several_issues() -> None:
    issues = [
        Issue("error", "incomplete", "a"),
        Issue("warning", "incomplete", "b", ("prefetch.x",)),
    ]
    error = DataUnavailable.of(issues)
    assert str(error) == "a; b"
    assert [i["diagnostics"] for i in operation_outcome(error)["issue"]] == ["a", "b"]


def test_an_error_of_no_issues_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        BadRequest.of([])


def test_the_docstring_draws_the_whole_tree() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, CdsError)]
    assert len(classes) == 18
    for kind in classes:
        assert kind.__name__ in (errors.__doc__ or "")
