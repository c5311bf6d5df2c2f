"""What the site's file says of an EHR that may launch the app.

[clients.north-hospital.smart]
client_id = "pht"                         # as the EHR registered this app
secret = "north-secret"                   # a file; or key = "north.pem" with key_id; or neither
frame_ancestors = ["https://ehr.north.example"]
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jwt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from cds_service.store.guarded import CLOSED, OPEN_TO_OTHERS

_ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?")
FILES = ("secret", "key")  # members that name files, beside the TOML file


def _origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError("must be an origin such as https://ehr.example.org")
    return value


Text = Annotated[str, Field(min_length=1, max_length=500)]


class Smart(BaseModel):
    """`secret` makes a confidential client with a shared secret, `key` one with a key pair."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    client_id: Text
    secret: Path | None = None
    key: Path | None = None
    key_id: Text | None = None
    algorithm: Literal["ES384", "RS384"] = "ES384"
    #: origins of the EHR's pages that may show the app in a frame
    frame_ancestors: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.secret and self.key:
            raise ValueError("has secret or key, not both")
        if bool(self.key) != bool(self.key_id):
            raise ValueError("key and key_id need each other")
        if self.secret:
            self.shared_secret()
        if self.key:
            self.assertion({"sub": self.client_id})
        return self

    def shared_secret(self) -> str:
        """What the file holds, without blanks around it. Raises ValueError."""
        return _read(self.secret, "secret").strip()

    def assertion(self, claims: dict[str, Any]) -> str:
        """`claims` signed with the key (private_key_jwt). Raises ValueError."""
        try:
            return jwt.encode(
                claims, _read(self.key, "key"), self.algorithm, headers={"kid": self.key_id}
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise ValueError(
                f"key: cannot sign with {self.algorithm} ({type(error).__name__})"
            ) from None


def _read(path: Path | None, name: str) -> str:
    if path is None:
        raise ValueError(f"{name}: there is none")
    try:
        if path.stat().st_mode & OPEN_TO_OTHERS:
            raise ValueError(f"{name}: others can read or change this file ({CLOSED})")
        held = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{name}: cannot be read ({error.strerror})") from None
    if not held.strip():
        raise ValueError(f"{name}: the file is empty")
    return held
