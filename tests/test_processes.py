"""Work in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from berlese.processes import in_processes, usable_cpus


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def inverse(number: int) -> float:
    return 1 / number


def test_results_come_in_order_from_other_processes():
    results = list(in_processes(square, range(5), 2))
    assert [value for value, _ in results] == [0, 1, 4, 9, 16]
    assert os.getpid() not in {process for _, process in results}


def test_one_job_needs_no_other_process():
    assert list(in_processes(square, range(3), 1)) == [(n**2, os.getpid()) for n in range(3)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_reaches_the_caller_after_what_came_before(jobs):
    results = in_processes(inverse, [2, 1, 0], jobs)
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_some_cpus_are_usable():
    assert 1 <= usable_cpus() <= (os.cpu_count() or 1)


SLEEPS = """
import os, sys, time
from berlese.processes import in_processes

def sleep(number):
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    list(in_processes(sleep, [1, 2], 2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_no_process_outlives_the_program(tmp_path, how):
    script = tmp_path / "sleeps.py"
    script.write_text(SLEEPS)
    command = [sys.executable, script]
    with subprocess.Popen(
        command, stdout=PIPE, stderr=DEVNULL, text=True, start_new_session=True
    ) as program:
        assert program.stdout is not None
        workers = [int(program.stdout.readline()) for _ in range(2)]
        if how == signal.SIGINT:
            os.killpg(program.pid, how)  # as a terminal does
        else:
            os.kill(program.pid, how)
        program.wait(timeout=60)
        until = time.monotonic() + 60
        while any(map(is_running, workers)):
            assert time.monotonic() < until
            time.sleep(0.05)


def is_running(process: int) -> bool:
    """Tell whether a process is there, and not one that ended and that nobody has asked after."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        return True  # a system without /proc
    return state != "Z"
