"""Every exception that berlese raises on purpose.

::

    BerleseError
    ├── SettingError              an option or constructor argument out of range
    ├── MissingPackageError       a verb needs an extra that is not installed
    ├── PhotoError                one photo cannot be used; the others go on
    │   ├── UnreadablePhotoError
    │   ├── UnsupportedPhotoError
    │   └── PhotoTooLargeError
    ├── LibraryError              a labelled library cannot be used
    ├── SampleSheetError          the CSV of samples does not fit the photos
    ├── BackboneError             a feature extractor cannot be loaded
    ├── BundleError               a saved model cannot be read
    │   └── BundleMismatchError   features and model come from different backbones
    ├── SurveyError               a survey folder is missing, damaged or in use
    └── ExchangeFormatError       a file of another program breaks its own format

A message names the file and the value, what was expected, and what to do next; commands in it
are quoted for the shell at hand (`as_word`).
"""

import os
import shlex
import subprocess
from pathlib import Path


def as_word(text: Path | str, *, windows: bool = os.name == "nt") -> str:
    """Quote text so that a shell takes it for one word of a command.

    >>> as_word("my survey", windows=False), as_word("my survey", windows=True)
    ("'my survey'", '"my survey"')
    """
    return subprocess.list2cmdline([str(text)]) if windows else shlex.quote(str(text))


class BerleseError(Exception):
    """Base of all errors that a user can act on; the command line prints them in one line."""


class SettingError(BerleseError, ValueError):
    """An option or a constructor argument is outside of what is allowed."""


class MissingPackageError(BerleseError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class PhotoError(BerleseError):
    """One photo cannot be used.

    Parameters
    ----------
    path : Path
        The photo.
    reason : str
        What is wrong and what to do, without the file's name.
    """

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


class UnreadablePhotoError(PhotoError):
    """The file is missing, empty, cut off or damaged."""


class UnsupportedPhotoError(PhotoError):
    """The file opens, but holds nothing that can be used as a photo."""


class PhotoTooLargeError(PhotoError):
    """The picture has more pixels than the limit allows."""


class LibraryError(BerleseError):
    """A labelled library is empty, has one class or cannot be read."""


class SampleSheetError(BerleseError):
    """The CSV that assigns photos to samples is incomplete or contradicts itself."""


class BackboneError(BerleseError):
    """A feature extractor is unknown or its weights cannot be read."""


class BundleError(BerleseError):
    """A saved model is missing, incomplete or not a bundle."""


class BundleMismatchError(BundleError):
    """The features were made with another backbone or preprocessing than the model's."""


class SurveyError(BerleseError):
    """A survey folder is missing, damaged, newer than this program or in use."""


class ExchangeFormatError(BerleseError):
    """A file of another program does not follow its format."""
