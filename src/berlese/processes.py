"""Do the same to many things, several at a time, in processes of their own."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread, current_thread, main_thread
from typing import TypeVar

import cv2
from threadpoolctl import threadpool_limits

_MOST_ON_WINDOWS = 61  # processes that one pool can wait for there

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def usable_cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_size() -> int | None:
    """Bytes of memory that this machine has; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


@contextmanager
def interruption_deferred() -> Iterator[None]:
    """Put off Ctrl-C until the end of what is done within.

    For libraries that call back into Python: an interruption that is raised there is lost.
    """
    before = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or before is None:
        yield
        return
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if asked:
            signal.raise_signal(signal.SIGINT)


def return_freed_memory() -> None:
    """Give what this process has freed back to the system, where glibc does not by itself.

    It keeps what lies beneath something that is still in use, and what is asked for next often
    does not fit there.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def in_processes(
    function: Callable[[_In], _Out], items: Sequence[_In], jobs: int, *, at_once: int = 1
) -> Iterator[_Out]:
    """Yield what a function makes of each item, in their order.

    Parameters
    ----------
    function : callable
        Must be found by its name in a module, as `pickle` asks for; so must what it gives.
    items : sequence
    jobs : int
        Processes; with one, all is done in this one.
    at_once : int
        Items that a process takes at a time.

    Raises
    ------
    BrokenProcessPool
        If a process is killed, as for want of memory.
    """
    if jobs <= 1:
        yield from map(function, items)
        return
    if sys.platform == "win32":
        jobs = min(jobs, _MOST_ON_WINDOWS)
    # Processes that start afresh: forking is not safe beside other libraries' threads.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield from pool.map(function, items, chunksize=at_once)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Take one thread, and end at once where this program is interrupted or killed."""
    cv2.setNumThreads(1)
    threadpool_limits(1)
    for library in ("OMP", "OPENBLAS"):  # which are loaded later
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["VIPS_CONCURRENCY"] = "1"
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
