"""Linear maps of whole numbers that give every bit: torch's own where it is exact here, else products in float64."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from workbench.network import Operation, Shape

IMAGES = (1, 16)  # probed: libraries choose an algorithm by how many images there are; NNPACK takes 16 and more
SUMS = 2.0**23  # of whole numbers in a probe: as large as a float32 holds exactly, half of it for safety
COUNTS = 4  # largest number in a probe's image


def map_exactly(operation: Operation, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """The map of images (images, *source shape), every sum exact, whatever torch is set to.

    Numbers must lie on a grid on which sums are exact in float32. Every map is tried once per device and settings of
    torch (reduced precision, other libraries); where bits differ from those of float64 it goes through float64, which
    is slower, and a warning says so. Autocast is switched off.

    >>> map_exactly(Conv(1, kernel=3), torch.ones(1, 1, 3, 3), [torch.ones(1, 1, 3, 3)])[0, 0, 1]
    tensor([6., 9., 6.])
    """
    with torch.autocast(images.device.type, enabled=False):
        if images.dtype == torch.float64:
            return operation(images, weights)
        few = len(images) < IMAGES[1]
        last = not images.is_contiguous() and images.movedim(1, -1).is_contiguous()
        if is_exact_here(operation, tuple(images.shape[1:]), images.device, few, last, read_settings()):
            return operation(images, weights)
        return operation(images.double(), [weight.double() for weight in weights]).to(images.dtype)


@cache
def is_exact_here(
    operation: Operation, shape: Shape, device: torch.device, few: bool, channels_last: bool, settings: tuple[str, ...]
) -> bool:
    """Whether torch gives every bit of this map with these settings; tried once, and a warning says where it does not.

    The probe's weights are whole numbers so large that sums nearly fill a float32.
    """
    generator = torch.Generator().manual_seed(0)
    many = IMAGES[0] if few else IMAGES[1]
    images = torch.randint(0, COUNTS + 1, (many, *shape), generator=generator).float()
    shapes = operation.weight_shapes(shape)
    fullest, ones = torch.full((1, *shape), COUNTS).double(), [torch.ones(size).double() for size in shapes]
    largest = (SUMS / max(float(operation(fullest, ones).max()), 1.0)) ** (1 / max(len(shapes), 1))  # pools add up too
    most = max(int(largest), 1)
    weights = [torch.randint(-most, most + 1, size, generator=generator).float() for size in shapes]
    expected = operation(images.double(), [weight.double() for weight in weights])
    there = images.to(device)
    if channels_last:
        there = there.movedim(1, -1).contiguous().movedim(-1, 1)
    found = operation(there, [weight.to(device) for weight in weights])
    exact = torch.equal(found.cpu().double(), expected)
    if not exact:
        warnings.warn(
            f"{operation!r} of a source {shape} is not exact on {device} with these settings of torch "
            f"({', '.join(settings)}): it is computed in float64, which is slower; leave torch.backends at its "
            "defaults for speed",
            stacklevel=4,
        )
    return exact


def read_settings() -> tuple[str, ...]:
    """What torch's settings say about the way in which it computes linear maps, in words."""
    backends = torch.backends
    precisions = (
        (backends.mkldnn, "conv"), (backends.mkldnn, "matmul"), (backends.cudnn, "conv"), (backends.cuda, "matmul"),
    )  # fmt: skip
    shown = {
        "mkldnn": backends.mkldnn.enabled,
        "nnpack": torch._C._get_nnpack_enabled(),  # torch tells it in no other way
        "cudnn": backends.cudnn.enabled,
        "benchmark": backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": "/".join(str(find_precision(getattr(library, kind, None))) for library, kind in precisions),
    }
    return tuple(f"{name}={value}" for name, value in shown.items())


def find_precision(products: object) -> str:
    """The precision that a library is set to for these products; that of all matrix products in an older torch."""
    found: str | None = getattr(products, "fp32_precision", None)
    return torch.get_float32_matmul_precision() if found is None else found
