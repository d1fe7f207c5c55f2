"""libvips reads back what was written behind the header."""

import numpy as np
import pytest
import pyvips

from berlese.photos.raw_tiff import raw_tiff_header


@pytest.mark.parametrize("height", [1, 63, 64, 200])
@pytest.mark.parametrize(("bands", "bits"), [(1, 8), (3, 8), (1, 16), (3, 16)])
def test_pixels_come_back_as_they_were(tmp_path, height, bands, bits):
    kind = np.uint8 if bits == 8 else np.dtype("<u2")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 2**bits, (height, 37, bands)).astype(kind)
    path = tmp_path / "raw.tif"
    path.write_bytes(raw_tiff_header(37, height, bands, bits) + pixels.tobytes())
    read = pyvips.Image.new_from_file(f"{path}", fail_on="warning").numpy()
    np.testing.assert_array_equal(read.reshape(pixels.shape), pixels)
