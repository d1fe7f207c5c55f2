"""Read a file for libvips piece by piece, where it would map it into memory whole.

What is mapped counts as used: 90 MB for a JPEG of a gigapixel. For each piece libvips calls back
into Python, and what is raised there is lost: so errors are noted, and Ctrl-C is put off.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyvips

from berlese.processes import interruption_deferred

PIECE = 1 << 18  # bytes that such a file best reads from the disk at a time


class Unmapped:
    """An open file as a source for libvips, which whoever opened it has to close.

    Attributes
    ----------
    source : pyvips.Source
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None
        self.source: Any = pyvips.SourceCustom()
        self.source.on_read(self._read)
        self.source.on_seek(self._seek)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let libvips read within.

        Raises
        ------
        OSError
            If the file could not be read, in place of what libvips made of that.
        """
        try:
            with interruption_deferred():
                yield
        except Exception:
            if self._error is not None:
                raise self._error from None
            raise

    def _read(self, count: int) -> bytes | None:
        try:
            return self._file.read(count)
        except OSError as error:
            self._error = error
            return None

    def _seek(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            self._error = error
            return -1
