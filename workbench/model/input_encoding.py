"""What becomes of the counts of events before the first edges of an ANN: a function, and a factor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor


def take_logarithm(frames: Tensor) -> Tensor:
    """log(1 + x) of every count; ValueError for negative ones.

    >>> take_logarithm(torch.tensor([0.0, 1.0])).exp().tolist()
    [1.0, 2.0]
    """
    if frames.numel() and bool(frames.amin() < 0):
        raise ValueError(
            f"input_function='log1p' takes counts of events, but frames hold {float(frames.amin()):g}; give counts, or "
            "a model without it"
        )
    return frames.log1p()


def standardise(frames: Tensor) -> Tensor:
    """Each frame of each recording (steps, batch, *shape) to mean 0, deviation 1 over all places; constant ones to 0.

    (x - mean x) / sqrt(mean (x - mean x)^2)

    >>> standardise(torch.tensor([[[1.0, 3.0]], [[5.0, 5.0]]])).tolist()
    [[[-1.0, 1.0]], [[0.0, 0.0]]]
    """
    places = tuple(range(2, frames.ndim))
    varied = frames.amax(places, keepdim=True) > frames.amin(places, keepdim=True)
    centred = frames - frames.mean(places, keepdim=True)
    deviation = centred.square().mean(places, keepdim=True).sqrt()
    return torch.where(varied, centred / torch.where(varied, deviation, 1.0), 0.0)


INPUT_FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"log1p": take_logarithm, "standardise": standardise}


@dataclass(frozen=True)
class InputEncoding:
    """What the first edges get of a frame x: `factor` f(x), where f is the `function`, x itself without one.

    ValueError for a factor that is no positive finite number, and for an unknown function.

    >>> InputEncoding(0.5, "log1p").encode({"eye": torch.zeros(1, 1, 2)})["eye"].tolist()
    [[[0.0, 0.0]]]
    """

    factor: float = 1.0
    function: str | None = None

    def __post_init__(self) -> None:
        given: object = self.factor
        number = isinstance(given, Real) and not isinstance(given, bool)
        if not number or not math.isfinite(self.factor) or self.factor <= 0:
            raise ValueError(f"input_factor={given!r} must be a positive finite number, such as 0.25")
        object.__setattr__(self, "factor", float(self.factor))
        if self.function is not None and self.function not in INPUT_FUNCTIONS:
            known = ", ".join(map(repr, INPUT_FUNCTIONS))
            raise ValueError(f"input_function={self.function!r} is unknown; choose {known}, or None")

    @property
    def plain(self) -> bool:
        """Whether frames stay as they are."""
        return self.factor == 1 and self.function is None

    def encode(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Frames (steps, batch, *shape) by input node as the first edges get them; themselves where nothing is done."""
        if self.plain:
            return inputs
        function = INPUT_FUNCTIONS[self.function] if self.function else None
        found = {node: function(values) if function else values for node, values in inputs.items()}
        return {node: values * self.factor for node, values in found.items()} if self.factor != 1 else found

    def require_countable(self) -> None:
        """ValueError, with the cure, for a function, which an SNN cannot have: its frames are sums of ticks."""
        if self.function is not None:
            what = {"log1p": "the logarithm of a sum is not the sum of logarithms"}
            raise ValueError(
                f"input_function={self.function!r}: an SNN sees the ticks whose sum is a frame, and "
                f"{what.get(self.function, 'a sum that was standardised is not the sum of standardised ticks')}; train "
                "an ANN with an input_factor=... instead, or on recordings with a clip, recordings.rebin(clip=1)"
            )

    def require_unspiking(self) -> None:
        """ValueError, with the cure, for an encoding of a model that spikes, which takes plain counts."""
        self.require_countable()
        if not self.plain:
            raise ValueError(
                f"input_factor={self.factor:g}: this model spikes, and takes plain counts of events; give the factor "
                "to the ANN, and wb.convert puts it into the weights"
            )

    def __str__(self) -> str:
        words = [f"{self.function} of inputs" if self.function else "inputs"]
        return " ".join(words + ([f"times {self.factor:g}"] if self.factor != 1 else []))
