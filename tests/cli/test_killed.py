"""A run that is killed at any moment is finished by the same command, to the same bytes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.drawing import dish, save

MOMENTS = 20


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        save(folder / f"site{seed % 2}" / f"{seed}.png", dish(seed, n_animals=9))
    return folder


def start(photos, library, survey):
    command = [sys.executable, "-m", "berlese", "run", photos, "--library", library]
    options = ["--out", survey, "--backbone", "efficientnet-lite0", "--quiet"]
    return subprocess.Popen(
        [*map(str, command), *map(str, options)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def finish(process):
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors.decode()


def community(survey):
    return next(survey.rglob("community.csv")).read_bytes()


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(photos, library, tmp_path):
    begin = time.perf_counter()
    assert finish(start(photos, library, tmp_path / "whole"))[0] == 0
    duration = time.perf_counter() - begin
    expected = community(tmp_path / "whole")

    survey = tmp_path / "killed"
    for moment in np.random.default_rng(1).uniform(0.2, duration, MOMENTS):
        kill_after(moment, start(photos, library, survey))
    code, errors = finish(start(photos, library, survey))
    assert code == 0, errors
    assert community(survey) == expected

    for number, moment in enumerate(np.linspace(0.3, duration, MOMENTS)):
        survey = tmp_path / f"killed-{number}"
        kill_after(moment, start(photos, library, survey))
        code, errors = finish(start(photos, library, survey))
        assert code == 0, errors
        assert community(survey) == expected, f"killed after {moment:.2f} s"


def test_three_kills_change_nothing(photos, library, tmp_path):
    begin = time.perf_counter()
    assert finish(start(photos, library, tmp_path / "whole"))[0] == 0
    duration = time.perf_counter() - begin
    for share in (0.4, 0.7, 0.9):
        kill_after(share * duration, start(photos, library, tmp_path / "killed"))
    code, errors = finish(start(photos, library, tmp_path / "killed"))
    assert code == 0, errors
    assert community(tmp_path / "killed") == community(tmp_path / "whole")


def kill_after(seconds, process):
    """Send SIGKILL, unless the process has ended by itself before."""
    try:
        process.wait(timeout=float(seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process.stderr.close()
