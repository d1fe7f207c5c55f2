"""Read a file for libvips piece by piece, where it would map it into memory whole.

What is mapped counts as used: 90 MB for a JPEG of a gigapixel. For each piece libvips calls back
into Python, and what is raised there is lost: so errors are noted, and Ctrl-C is put off.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pyvips

from berlese.processes import interruption_deferred

_PIECE = 1 << 18  # bytes read from the disk at a time


class Unmapped:
    """An open file as a source for libvips; to be used as a context, which closes it.

    Raises
    ------
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=_PIECE)
        self._error: OSError | None = None
        self.source: Any = pyvips.SourceCustom()
        self.source.on_read(self._read)
        self.source.on_seek(self._seek)

    def __enter__(self) -> "Unmapped":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

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
