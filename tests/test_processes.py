"""Work in processes of its own."""

import os
import platform
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, PIPE

import psutil
import pytest

from berlese.processes import (
    in_processes,
    interruption_deferred,
    return_freed_memory,
    usable_cpus,
)


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


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_waits_until_all_within_is_done():
    handler, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        _interrupt_within(lambda: done.append(True))
    assert done
    assert signal.getsignal(signal.SIGINT) is handler
    with interruption_deferred():
        pass
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_comes_before_an_error_from_within():
    with pytest.raises(KeyboardInterrupt):
        _interrupt_within(lambda: inverse(0))


def _interrupt_within(then) -> None:
    with interruption_deferred():
        signal.raise_signal(signal.SIGINT)
        then()


def test_threads_but_the_main_one_do_not_touch_signals():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_done_within).result()


def _done_within() -> bool:
    with interruption_deferred():
        return True


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked to")
def test_freed_memory_goes_back_to_the_system_from_beneath_what_is_in_use():
    own = psutil.Process()
    blocks = [bytearray(100_000) for _ in range(2_000)]
    kept = blocks[-1]
    held = own.memory_info().rss
    del blocks
    return_freed_memory()
    assert own.memory_info().rss < held - 150_000_000
    assert kept == bytearray(100_000)


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
