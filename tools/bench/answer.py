"""One HTTP/1.1 answer as it arrives: whether it is whole, however its length is told."""

from __future__ import annotations

import re

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_END = b"\r\n\r\n"


class Answer:
    """Fed with what is received until it is whole."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._head = b""  # once it is here
        self._at = 0  # where the body ends, or the next chunk begins
        self._length = self._chunked = False

    @property
    def status(self) -> int:
        """Once the head is here."""
        return int(self._head[9:12])

    @property
    def closes(self) -> bool:
        """The server closes the connection behind it."""
        return bool(_CLOSES.search(self._head)) or not (self._length or self._chunked)

    def feed(self, part: bytes) -> bool:
        """Whether it is whole. Nothing received means that the server closed the connection.

        Raises ConnectionError when it did so too early.
        """
        self._got += part
        if not self._head and not self._begins():
            whole = False
        elif self._chunked:
            whole = self._last_chunk()
        else:
            whole = self._length and len(self._got) >= self._at
        if not part and not whole and (not self._head or self._length or self._chunked):
            raise ConnectionError("the server closed a connection before its answer was whole")
        return whole or not part

    def _begins(self) -> bool:
        end = self._got.find(_END)
        if end < 0:
            return False
        self._head = bytes(self._got[: end + 2])
        self._at = end + len(_END)
        self._chunked = bool(_CHUNKED.search(self._head))
        found = None if self._chunked else _LENGTH.search(self._head)
        self._length = found is not None
        if found:
            self._at += int(found[1])
        return True

    def _last_chunk(self) -> bool:
        """Passes over the chunks that are here; whether the last is, with its trailers."""
        while (end := self._got.find(b"\r\n", self._at)) >= 0:
            size = int(self._got[self._at : end].partition(b";")[0], 16)
            if size == 0:
                return self._got.find(_END, end) >= 0  # trailers, or none
            if len(self._got) < end + 2 + size + 2:
                return False
            self._at = end + 2 + size + 2
        return False
