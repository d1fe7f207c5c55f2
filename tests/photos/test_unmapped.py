"""Reading a file for libvips piece by piece."""

import errno
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import pyvips

from berlese.errors import UnreadablePhotoError
from berlese.photos.reading import open_photo
from berlese.photos.unmapped import Unmapped
from tests.photos.files import noise, save

PIECES = 3  # read before something happens; libvips asks for 4 kB at a time


class _Disk(type(Path())):
    """A path whose file does something when some pieces of it were read, not at its start."""

    def open(self, *args, **options):
        file = super().open(*args, **options)
        return _File(file, self.happens) if "buffering" in options else file


class _File:
    opened: ClassVar = []

    def __init__(self, file, happens):
        self.file, self.happens, self.pieces = file, happens, 0
        self.opened.append(file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def read(self, count):
        self.pieces += 1
        if self.pieces > PIECES:
            self.happens()
        return self.file.read(count)

    def seek(self, *place):
        return self.file.seek(*place)


class _Failing(_Disk):
    @staticmethod
    def happens():
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class _Quiet(_Disk):
    @staticmethod
    def happens():
        pass


class _Interrupted(_Disk):
    @staticmethod
    def happens():
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def jpeg(tmp_path):
    return save(tmp_path / "a.jpg", noise(400, 300))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="tells what is mapped on Linux")
def test_bands_of_a_jpeg_are_read_and_not_mapped_into_memory(jpeg):
    bands = open_photo(jpeg).bands(64)
    next(bands)
    assert str(jpeg) not in Path("/proc/self/maps").read_text()
    assert len(list(bands)) == 6


def test_pixels_are_those_of_the_file(jpeg):
    with jpeg.open("rb") as file:
        unmapped = Unmapped(file)
        with unmapped.reading():
            image = pyvips.Image.new_from_source(unmapped.source, "", access="sequential")
            pixels = image.numpy()
        np.testing.assert_array_equal(pixels, pyvips.Image.new_from_file(str(jpeg)).numpy())


def test_a_disk_that_fails_is_no_damaged_photo(jpeg):
    photo = replace(open_photo(jpeg), path=_Failing(jpeg))
    with pytest.raises(UnreadablePhotoError, match=r"Input/output error. Check the disk"):
        list(photo.bands(64))


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_while_libvips_reads_is_not_lost(jpeg):
    photo = replace(open_photo(jpeg), path=_Interrupted(jpeg))
    with pytest.raises(KeyboardInterrupt):
        list(photo.bands(64))


def test_the_file_is_closed_at_the_end(jpeg):
    photo = replace(open_photo(jpeg), path=_Quiet(jpeg))
    assert len(list(photo.bands(64))) == 7
    assert _File.opened[-1].closed


def test_a_file_that_is_gone_is_told_of(jpeg):
    photo = open_photo(jpeg)
    jpeg.unlink()
    with pytest.raises(UnreadablePhotoError, match="does not exist"):
        list(photo.bands(64))
