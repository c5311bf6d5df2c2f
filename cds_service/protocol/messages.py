"""What this service says, against the schema of each kind of message.

Asked by the tests of every answer they get, and before a fixture is written; not on the way of a
request.
"""

from __future__ import annotations

from typing import Literal

from cds_service.protocol.schema import validator

Kind = Literal["response", "discovery", "outcome"]


def violations(kind: Kind, message: object) -> list[str]:
    """Each as 'JSON path: what is wrong'; none when the message is as CDS Hooks has it."""
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(message)]
