"""`RawBody`: the body of a response as a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from apikit.response import Response

__all__ = ["RawBody"]

PIECE: Final = 64 * 1024


class RawBody(io.RawIOBase):
    """The body of a response as a readable file.

    It serves wherever a binary file does (`shutil.copyfileobj`, `csv` by way of
    `io.TextIOWrapper`), and has what services use of urllib3's object.  What it
    gives is decoded (gzip and others undone), always: ``decode_content`` changes
    nothing.  Of a response that was read already it gives nothing, as in requests.

    Parameters
    ----------
    response
        Whose body it is.
    """

    def __init__(self, response: Response) -> None:
        super().__init__()
        self._response = response

    @property
    def status(self) -> int:
        """The response's status code."""
        return self._response.status_code

    @property
    def reason(self) -> str:
        """The response's reason phrase."""
        return self._response.reason

    @property
    def headers(self) -> Any:
        """The response's headers."""
        return self._response.headers

    @property
    def data(self) -> bytes:
        """All that is left of the body."""
        return self.read()

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, amt: int | None = -1, decode_content: bool | None = None) -> bytes:  # noqa: ARG002
        """Return the next bytes.

        Parameters
        ----------
        amt
            How many at most; None or a negative number for all that is left.
        decode_content
            As urllib3 has it; without effect.
        """
        self._check_open()
        if amt is None or amt < 0:
            return b"".join(self.stream(PIECE))
        return self._response._read(amt)

    def readall(self) -> bytes:
        """Return all that is left."""
        return self.read()

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how many bytes there were."""
        view = memoryview(buffer).cast("B")
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def stream(
        self,
        amt: int | None = PIECE,
        decode_content: bool | None = None,  # noqa: ARG002
    ) -> Iterator[bytes]:
        """Iterate over the body in pieces of `amt` bytes at most."""
        while piece := self._response._read(amt or PIECE):
            yield piece

    def release_conn(self) -> None:
        """Do nothing: a connection goes back by itself when the body ends."""

    def close(self) -> None:
        """Drop the rest of the body, and its connection with it."""
        if not self.closed:
            self._response.close()
        super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file: the response was closed")
