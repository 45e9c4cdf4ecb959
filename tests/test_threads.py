# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest
from numba.core.event import trigger_event
from threadpoolctl import threadpool_info, threadpool_limits

from sksupercode._utils import _threads
from sksupercode._utils._compilation import time_of_compilation
from sksupercode._utils._threads import (
    in_threads,
    shared_threads,
    single_blas_thread,
    thread_count,
)

VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch):
    """A machine of eight processors, and an environment that says nothing."""
    monkeypatch.setattr(_threads, "cpu_count", lambda: 8)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def in_a_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_all_processors_by_default():
    assert thread_count() == 8


def test_processors_are_counted_by_joblib(monkeypatch):
    """So that affinity, containers and LOKY_MAX_CPU_COUNT count."""
    monkeypatch.undo()
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert thread_count() == joblib.cpu_count()
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert thread_count() == 1


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    "value, wanted",
    [("1", 1), ("3", 3), ("8", 8), ("100", 8), ("0", 1), ("007", 7)],
)
def test_an_environment_variable_limits_the_threads(name, value, wanted, monkeypatch):
    monkeypatch.setenv(name, value)
    assert thread_count() == wanted


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    "value",
    ["", " ", "-3", "1.5", "two", "4,2", "0x2", "nan", "²"],
)
def test_junk_is_not_a_limit(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    assert thread_count() == 8
    monkeypatch.setenv(next(other for other in VARIABLES if other != name), "5")
    assert thread_count() == 5


@pytest.mark.parametrize("numbers", [("2", "5"), ("5", "2")])
def test_the_smaller_limit_counts(numbers, monkeypatch):
    for name, value in zip(VARIABLES, numbers, strict=True):
        monkeypatch.setenv(name, value)
    assert thread_count() == 2


def test_one_thread_inside_of_a_thread(monkeypatch):
    assert in_a_thread(thread_count) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert in_a_thread(thread_count) == 1


def test_one_thread_in_the_threads_themselves():
    # The first part is the caller's own.
    assert in_threads(lambda start, stop: thread_count(), 8)[1:] == [1] * 7


def test_calls_of_a_block_share_their_threads():
    def names(start, stop):
        return threading.current_thread().name

    with shared_threads():
        seen = {name for _ in range(20) for name in in_threads(names, 8)}
        with shared_threads() as (n_threads, _):
            assert n_threads == 8
    assert len(seen) <= 8
    before = threading.active_count()
    in_threads(names, 8)
    assert threading.active_count() == before


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
@pytest.mark.parametrize("n_items", [0, 1, 7, 8, 9, 100])
@pytest.mark.parametrize("least", [1, 3, 10])
def test_every_item_is_in_one_part(n_threads, n_items, least, monkeypatch):
    monkeypatch.setattr(_threads, "thread_count", lambda: n_threads)
    parts = in_threads(lambda start, stop: (start, stop), n_items, least=least)
    assert [i for start, stop in parts for i in range(start, stop)] == list(range(n_items))
    assert len(parts) == max(1, min(n_threads, n_items // least))
    if len(parts) > 1:
        lengths = [stop - start for start, stop in parts]
        assert min(lengths) >= least
        assert max(lengths) - min(lengths) <= 1


def test_results_are_in_the_order_of_the_parts():
    """Each part ends after the one that comes next."""
    has_ended = [threading.Event() for _ in range(4)]
    has_ended[3].set()
    order = []

    def wait_for_the_next(start, stop):
        assert has_ended[stop].wait(timeout=30)
        order.append(start)
        has_ended[start].set()
        return start

    assert in_threads(wait_for_the_next, 3) == [0, 1, 2]
    assert order == [2, 1, 0]


def test_parts_run_at_the_same_time():
    """None gets past the barrier before all are there."""
    barrier = threading.Barrier(8)

    def meet(start, stop):
        barrier.wait(timeout=30)
        return threading.get_ident()

    assert len(set(in_threads(meet, 8))) == 8


def test_one_part_runs_in_the_calling_thread():
    assert in_threads(lambda start, stop: threading.get_ident(), 7, least=4) == [
        threading.get_ident()
    ]
    caller, part = in_a_thread(
        lambda: (threading.get_ident(), *in_threads(lambda *part: threading.get_ident(), 100))
    )
    assert caller == part


def test_no_thread_survives_the_call():
    before = threading.active_count()
    assert len(in_threads(lambda start, stop: stop, 8)) == 8
    assert threading.active_count() == before


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("bad", [0, 2])
def test_exceptions_reach_the_caller(n_threads, bad, monkeypatch):
    monkeypatch.setattr(_threads, "thread_count", lambda: n_threads)
    before = threading.active_count()

    def fail(start, stop):
        if start <= bad < stop:
            raise KeyError("this one")

    with pytest.raises(KeyError, match="this one"):
        in_threads(fail, 3)
    assert threading.active_count() == before


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_overlapping_blocks_share_the_limit_of_blas():
    """The last to end lifts it, in whatever order they end."""
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        first, second = single_blas_thread(), single_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == before


def test_time_of_compilation_is_that_of_the_threads_that_work_here():

    def compile_something():
        with trigger_event("numba:compile"):
            time.sleep(1e-3)

    with ThreadPoolExecutor(1) as pool, time_of_compilation() as compiled:
        assert compiled() == 0
        compile_something()
        of_main = compiled()
        pool.submit(compile_something).result()
        assert compiled() > of_main > 0

    def of_thread(others):
        with time_of_compilation() as compiled:
            others.submit(compile_something).result()
            assert compiled() == 0
            compile_something()
            return compiled()

    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as others:
        assert pool.submit(of_thread, others).result() > 0
