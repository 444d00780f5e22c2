"""Kernels are made whole or not at all: what was interrupted is made later, what fails is left to torch, and said."""

import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numba
import pytest
import torch

from tests.support.random_networks import random_frames, random_network, random_spiking
from workbench.engine.kernels import compilation, event_kernels, neuron_kernels
from workbench.engine.kernels.weighted_counts import count_weighted
from workbench.interrupts import holding_interrupts

ROOT = Path(__file__).parents[3]
EVENT_KERNELS = ["simulate", "copy_lists", "list_rows", "fill_rows"]


@pytest.fixture
def anew():
    """Whatever was compiled is asked for again, and nobody was warned yet."""
    known = dict(compilation._found)
    compilation._found.clear()
    compilation._warned.clear()
    yield
    compilation._found.clear()
    compilation._found.update(known)
    compilation._warned.clear()


def some_run(engine="dense"):
    network = random_network(5, flat=False, parallel=True)
    model = random_spiking(network, 5, signed=False, floor=-1.0, ticks_per_frame=2).eval()
    ticks = random_frames(network, 5, 12, counts=True)
    return model.run(ticks, engine=engine)


def fail(monkeypatch, names, error):
    """These kernels cannot be compiled."""
    made = neuron_kernels.Kernel.compiled

    def compiled(kernel):
        if kernel.function.__name__ in names:
            raise error
        return made(kernel)

    monkeypatch.setattr(neuron_kernels.Kernel, "compiled", compiled)


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["scan_rows"], RuntimeError("LLVM ERROR: out of memory")),
        (["weighted_count_rows"], TypeError("no conversion")),
        (EVENT_KERNELS, NotImplementedError("walks")),
        (["scan_rows", "weighted_count_rows", *EVENT_KERNELS], ImportError("llvmlite is of another version")),
        *((name, ValueError(name)) for name in map(lambda name: [name], EVENT_KERNELS)),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_is_left_to_torch_with_one_warning(monkeypatch, names, error):
    expected, activity = some_run(), torch.randn(6, 2, 3, 4, 4)
    weights = torch.rand(48, 2, dtype=torch.float64)
    weighed = count_weighted(activity, weights, True)
    compilation._found.clear()
    fail(monkeypatch, names, error)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = [some_run(engine) for engine in ("dense", "auto", "dense", "auto")]
        again = [count_weighted(activity, weights, True) for _ in range(2)]
    words = f"numba cannot compile the kernel {names[0]}, torch does it slower ({type(error).__name__}: {error})"
    assert [str(one.message) for one in told] == [words]
    for run in found:
        for node, values in expected.items():
            torch.testing.assert_close(run[node], values)
    for sums in again:
        torch.testing.assert_close(sums, weighed, rtol=1e-12, atol=0)


@pytest.mark.usefixtures("anew")
def test_the_event_driven_engine_says_when_its_kernels_fail(monkeypatch):
    fail(monkeypatch, ["simulate"], RuntimeError("LLVM"))
    with (
        pytest.warns(UserWarning, match="numba cannot compile the kernel simulate"),
        pytest.raises(
            ValueError, match=r'engine="events" is for spiking models in eval mode, in float32 on a CPU, with'
        ),
    ):
        some_run("events")


@pytest.mark.usefixtures("anew")
def test_failures_can_be_forgotten(monkeypatch):
    with monkeypatch.context() as patch:
        fail(patch, ["scan_rows"], RuntimeError("for now"))
        with pytest.warns(UserWarning, match="for now"):
            assert compilation.find_kernel("neuron_kernels", "scan_rows") is None
    assert compilation.find_kernel("neuron_kernels", "scan_rows") is None
    compilation.forget_failures()
    assert compilation.find_kernel("neuron_kernels", "scan_rows") is not None


# interrupts


@pytest.mark.usefixtures("anew")
def test_an_interrupted_compilation_is_not_remembered_as_impossible(monkeypatch):
    with monkeypatch.context() as patch:
        fail(patch, ["scan_rows"], KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            compilation.find_kernel("neuron_kernels", "scan_rows")
    assert compilation.find_kernel("neuron_kernels", "scan_rows") is not None


@pytest.fixture
def interruptible():
    """Python's own handler of interrupts, also where tests run in the background of a shell, which ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_heard_at_the_end(interruptible):
    done = []

    @holding_interrupts()
    def work():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest")
        with holding_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("and what is held inside")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the rest", "and what is held inside"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("handler", [signal.SIG_IGN, None])
def test_whoever_ignores_interrupts_or_hears_them_otherwise_still_does(handler):
    heard, before = [], signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, handler or (lambda *arguments: heard.append(arguments)))
    try:
        with holding_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            assert heard == []
        assert len(heard) == (handler is None)
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_never_interrupted_and_hold_nothing():
    found = []

    def work():
        before = signal.getsignal(signal.SIGINT)
        with holding_interrupts():
            found.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


def run_apart(code, *arguments, interrupted=False, **environment):
    """What a process of its own prints. User warnings are errors in it, and it may say nothing on its error stream; an
    interrupted one may: Python and C libraries speak there where an interrupt hits a callback or half an import.
    """
    answer = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, env=os.environ | environment,
    )  # fmt: skip
    assert (answer.returncode, "" if interrupted else answer.stderr) == (0, ""), answer.stderr
    return answer.stdout.split()


WITHOUT = """
import sys, warnings
sys.modules["numba"] = None  # importing it fails
import torch, workbench as wb
from workbench.engine.kernels.weighted_counts import count_weighted
neuron, drive = wb.IntegrateAndFire(), torch.linspace(-1, 2, 168).reshape(14, 3, 4)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    spikes, _ = neuron.scan(drive, None, 0)
    neuron.scan(drive, None, 0)
    count_weighted(drive, torch.ones(4, 1, dtype=torch.float64), True)
print(torch.equal(spikes, neuron.scan_plainly(drive, None, 0)[0]), len(told), *str(told[0].message).split())
"""


def test_without_numba_torch_scans_and_says_so_once():
    same, warnings_seen, *words = run_apart(WITHOUT)
    assert (same, warnings_seen) == ("True", "1")
    assert " ".join(words).startswith(
        "numba cannot compile the kernel scan_rows, torch does it slower (ModuleNotFoundError: import of numba halted"
    )


IMPORTS = """
import signal, sys
import torch, workbench as wb
from workbench.engine.kernels import compilation
seconds, what = float(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGALRM, lambda *arguments: signal.raise_signal(signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, seconds)
try:
    __import__("numba") if what == "numba" else compilation.find_kernel("neuron_kernels", "scan_rows")
    print("done")
except KeyboardInterrupt:
    print("interrupted")
signal.setitimer(signal.ITIMER_REAL, 0)
drive = torch.full((4, 1, 1), 0.5)
found = [compilation.find_kernel(*which) for which in (("neuron_kernels", "scan_rows"), ("event_kernels", "simulate"))]
print(*(kernel is not None for kernel in found))
print(wb.IntegrateAndFire(start=0.0).scan(drive, None, 0)[0].sum().item())
"""


@pytest.mark.parametrize("what", ["numba", "kernel"])
@pytest.mark.parametrize("milliseconds", [5, 30, 80, 150])
def test_an_interrupt_while_numba_is_imported_costs_nothing_later(what, milliseconds):
    """By ourselves, which waits for its end, or by whoever else imports it, which leaves half of it behind."""
    happened, *found = run_apart(IMPORTS, milliseconds / 1000, what, interrupted=True)
    assert happened in ("done", "interrupted")
    assert found == ["True", "True", "2.0"]


STORM = """
import os, signal, threading, time
import numpy as np, torch
from workbench.engine.kernels import parallel
torch.set_num_threads(4)
stop, heard, done, broken, inside = [], 0, 0, 0, False

def interrupt(number, frame):
    if inside:
        raise KeyboardInterrupt

def fire():
    while not stop:
        time.sleep(0.0003)
        os.kill(os.getpid(), signal.SIGINT)

def add(first, last, array):
    array[first:last] += 1

signal.signal(signal.SIGINT, interrupt)
thread = threading.Thread(target=fire)
thread.start()
for _ in range(1500):
    array = np.zeros(64)
    try:
        inside = True
        parallel.parallel_for(add, 64, parallel.MIN_PARALLEL_SIZE, array)
        inside = False
        done += 1
    except KeyboardInterrupt:
        inside = False
        heard += 1
    broken += not ((array == 1).all() or (array == 0).all())
stop.append(True)
thread.join()
print(done + heard, heard > 0, broken)
"""


@pytest.mark.parametrize("threads", ["", "parallel.find_parallel = lambda: None"], ids=["of torch", "of a pool"])
def test_no_interrupt_is_lost_while_threads_share_work(threads):
    code = STORM.replace("torch.set_num_threads(4)\n", f"torch.set_num_threads(4)\n{threads}\n")
    assert run_apart(code, interrupted=True) == ["1500", "True", "0"]


# numba's cache


FULL = """
import resource, warnings
import torch, workbench as wb
from workbench.engine.kernels.weighted_counts import count_weighted
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    spikes = wb.IntegrateAndFire(start=0.0).scan(torch.full((4, 1, 1), 0.5), None, 0)[0]
print(spikes.sum().item(), len(told), "numba cannot keep its machine code" in str(told[0].message))
"""


def test_a_full_disk_under_numbas_cache_costs_only_time(tmp_path):
    assert run_apart(FULL, NUMBA_CACHE_DIR=str(tmp_path)) == ["2.0", "1", "True"]


def test_a_damaged_cache_of_numba_costs_only_time(tmp_path):
    code = FULL.replace("    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))\n", "")
    assert run_apart(code.replace("told[0].message", "told"), NUMBA_CACHE_DIR=str(tmp_path))[:2] == ["2.0", "0"]
    for path in tmp_path.rglob("*.nb?"):
        path.write_bytes(path.read_bytes()[:40])
    assert run_apart(code, NUMBA_CACHE_DIR=str(tmp_path))[0] == "2.0"


def test_machine_code_is_kept_for_the_sources_as_they_are(tmp_path, monkeypatch):
    """Those of the functions that a kernel calls too, which numba does not look at."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    with neuron_kernels.cache_of_these_sources():
        assert str(tmp_path / f"kernels-{neuron_kernels.digest_sources()}") == numba.config.CACHE_DIR
    monkeypatch.setattr(neuron_kernels, "digest_sources", lambda: "others")
    with neuron_kernels.cache_of_these_sources():
        assert str(tmp_path / "kernels-others") == numba.config.CACHE_DIR
    assert str(tmp_path) == numba.config.CACHE_DIR


def test_every_kernel_has_a_name_that_is_its_own():
    for module in (neuron_kernels, event_kernels):
        made = {name: thing for name, thing in vars(module).items() if isinstance(thing, neuron_kernels.Kernel)}
        assert made
        assert all(kernel.function.__name__ == name for name, kernel in made.items())
