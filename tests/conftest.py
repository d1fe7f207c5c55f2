"""Fixtures that every test may ask for."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parents[1]

# Exported backbones stay in the checkout: tests touch nothing else but temporary folders.
os.environ.setdefault("BERLESE_CACHE", str(CHECKOUT / ".cache"))

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("berlese", deadline=None)
settings.load_profile("berlese")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images beside the checkout; tests that need it skip where it is absent."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real images are absent: ../shared/data does not exist")
    return folder


@pytest.fixture
def interruptible():
    """Let SIGINT raise KeyboardInterrupt: a shell starts what runs behind it without that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
