"""Linear maps of whole numbers: every bit, whatever torch is set to, and a warning once where that takes float64."""

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import some_snn
from workbench.engine import exact_products
from workbench.engine.exact_products import is_exact_here, map_exactly, read_settings
from workbench.network import Operation
from workbench.network.operations import OPERATIONS, ProjectiveField

MAPS = [
    wb.Dense(5),
    wb.Conv(4, kernel=3),
    wb.Conv(17, kernel=5, stride=2),
    wb.Conv(3, kernel=1),
    wb.Pool(3, sums=True),
    wb.Chain(wb.Pool(3, sums=True), wb.Dense(3)),
    wb.Chain(wb.Conv(4, kernel=3), wb.Pool(2, sums=True)),
    wb.Chain(wb.Conv(2, kernel=3), wb.Conv(3, kernel=3)),
    wb.Identity(),
    wb.Conv(6, kernel=3, groups=3),
    wb.Conv(6, kernel=(2, 3), stride=2, padding=(0, 1)),
    wb.Pool((1, 2), sums=True),
    wb.GlobalPool(sums=True),
]
SHAPE = (3, 9, 8)
SIGNALS = [
    wb.Conv1d(5, kernel=5),
    wb.Conv1d(17, kernel=4, stride=2, padding=1),
    wb.Conv1d(6, kernel=3, groups=3),
    wb.Chain(wb.Pool(2, sums=True), wb.Conv1d(4, kernel=3)),
    wb.Chain(wb.GlobalPool(sums=True), wb.Dense(3)),
]
SHAPES = dict.fromkeys(MAPS, SHAPE) | dict.fromkeys(SIGNALS, (3, 40))


@contextlib.contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextlib.contextmanager
def reduced_products() -> Iterator[None]:
    """Products in bfloat16, where this torch has a setting for it."""
    libraries = [getattr(torch.backends.mkldnn, kind, None) for kind in ("conv", "matmul")]
    libraries = [library for library in libraries if hasattr(library, "fp32_precision")]
    before = [library.fp32_precision for library in libraries]
    for library in libraries:
        library.fp32_precision = "bf16"
    try:
        yield
    finally:
        for library, precision in zip(libraries, before, strict=True):
            library.fp32_precision = precision


SETTINGS = {
    "defaults": contextlib.nullcontext,
    "without mkldnn": lambda: torch.backends.mkldnn.flags(enabled=False),
    "medium": lambda: matmul_precision("medium"),
    "high": lambda: matmul_precision("high"),
    "bf16 products": reduced_products,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


@pytest.fixture(autouse=True)
def _tried_anew() -> Iterator[None]:
    is_exact_here.cache_clear()
    yield
    is_exact_here.cache_clear()


@contextlib.contextmanager
def set_to(setting: str) -> Iterator[None]:
    """Torch set so, whose maps may be inexact, which is warned of."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* is not exact on cpu with these settings of torch")
        warnings.filterwarnings("ignore", message="TF32 acceleration")  # torch says so when mkldnn is switched
        with SETTINGS[setting]():
            yield


def full_sums(operation: Operation, seed: int, count: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Images and weights of whole numbers whose sums come close to 2^24, and some to numbers that cancel out."""
    rng = np.random.default_rng(seed)
    source = SHAPES[operation]
    shapes = operation.weight_shapes(source)
    ones = [torch.ones(shape).double() for shape in shapes]
    reach = float(operation(torch.full((1, *source), 7.0).double(), ones).max())
    most = max(int((2**24 / reach) ** (1 / max(len(shapes), 1))), 1)
    weights = [torch.tensor(rng.integers(-most, most + 1, shape)).float() for shape in shapes]
    return torch.tensor(rng.integers(0, 8, (count, *source))).float(), weights


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("operation", SHAPES, ids=repr)
def test_every_bit_is_that_of_float64_whatever_torch_is_set_to(operation, setting):
    for seed, count in enumerate((1, 5, 15, 16, 33)):
        images, weights = full_sums(operation, seed, count)
        expected = operation(images.double(), [weight.double() for weight in weights])
        for laid in (images, images.movedim(1, -1).contiguous().movedim(-1, 1)):  # channels last in memory
            with set_to(setting):
                found = map_exactly(operation, laid, weights)
            assert found.dtype == torch.float32
            assert torch.equal(found.double(), expected)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_an_snn_gives_the_same_bits_whatever_torch_is_set_to(seed, setting):
    snn, ticks = some_snn(seed)
    ticks = ticks.repeat(1, 5, *[1] * (ticks.ndim - 2))  # so many that libraries take their algorithms for many
    expected = snn.run(ticks, layers=snn, block=1)
    with set_to(setting):
        for engine in ("dense", "events", "auto"):
            found = snn.run(ticks, engine=engine)
            assert all(torch.equal(values, expected[node]) for node, values in found.items()), engine


def test_at_its_defaults_torch_is_exact_and_nothing_is_warned_of():
    for operation, shape in SHAPES.items():
        for few in (True, False):
            for last in (True, False):
                assert is_exact_here(operation, shape, torch.device("cpu"), few, last, read_settings()), operation


def inexact_operation() -> Operation:
    """A map that float32 gets wrong by one, as a library with reduced precision does; nobody else knows of it."""

    class Rounded(Operation):
        def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape

        def projective_field(self, shape: tuple[int, ...]) -> ProjectiveField:
            raise NotImplementedError

        def __call__(self, x: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
            return x + 1 if x.dtype == torch.float64 else x

        def __repr__(self) -> str:
            return "Rounded()"

    del OPERATIONS["Rounded"]
    return Rounded()


def test_what_is_inexact_goes_through_float64_and_is_warned_of_once():
    images, rounded = torch.ones(2, 3), inexact_operation()
    words = r"Rounded\(\) of a source \(3,\) is not exact on cpu with these settings of torch .*computed in float64"
    with pytest.warns(UserWarning, match=words):
        found = map_exactly(rounded, images, [])
    assert torch.equal(found, images + 1)
    assert torch.equal(map_exactly(rounded, images, []), images + 1)  # or else the warning were an error


def test_each_setting_is_tried_for_itself(monkeypatch):
    tried = []
    monkeypatch.setattr(exact_products, "is_exact_here", lambda *what: tried.append(what) or True)
    images, weights = full_sums(wb.Dense(5), 0, 2)
    for setting in SETTINGS:
        with set_to(setting):
            map_exactly(wb.Dense(5), images, weights)
    several = {what[-1] for what in tried}
    assert len(several) >= 4  # autocast is switched off, and changes none; older torch knows fewer


def test_float64_is_taken_as_it_is(monkeypatch):
    monkeypatch.setattr(exact_products, "is_exact_here", lambda *what: pytest.fail("there is nothing to try"))
    images, weights = full_sums(wb.Dense(5), 0, 2)
    doubled = [weight.double() for weight in weights]
    assert map_exactly(wb.Dense(5), images.double(), doubled).dtype == torch.float64
