"""Random modules of torch: layers, residuals, concatenations and splits, in any order that their shapes allow."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.support.torch_modules import estrange


class RandomModule(nn.Module):
    """A program of a few lines, drawn by a seed, over a list of tensors; of images or of signals."""

    def __init__(self, seed: int, signal: bool = False) -> None:
        super().__init__()
        self.rng = np.random.default_rng([seed, signal])
        self.conv, self.norm, self.axes = (nn.Conv1d, nn.BatchNorm1d, 1) if signal else (nn.Conv2d, nn.BatchNorm2d, 2)
        self.pool = nn.AvgPool1d if signal else nn.AvgPool2d
        self.shape = (2, *[int(size) for size in self.rng.integers(7, 11, self.axes)])
        self.layers = nn.ModuleList()
        self.lines: list[tuple[str, int, tuple[int, ...]]] = []
        tensors = [(self.shape, False)]  # shape, and whether a bias is in it that no activation has seen
        self._append(tensors, "conv", 0)
        self._append(tensors, "relu", len(tensors) - 1)
        for _ in range(int(self.rng.integers(4, 11))):
            self._draw(tensors)
        self.width = int(np.prod(tensors[-1][0]))
        self.head = nn.Linear(self.width, 4)
        del self.rng

    def _draw(self, tensors: list[tuple[tuple[int, ...], bool]]) -> None:
        last = len(tensors) - 1
        shape, biased = tensors[last]
        choices = ["conv", "conv", "relu", "relu", "norm", "relu6", "scale", "pointwise", "split", "again"]
        choices += ["pool"] if min(shape[1:]) > 3 else []
        choices += ["grouped"] if shape[0] % 2 == 0 else []
        same = [place for place, (other, _) in enumerate(tensors[:-1]) if other == shape]
        near = [place for place, (other, _) in enumerate(tensors[:-1]) if other[1:] == shape[1:] and other[0] < 9]
        choices += ["add"] * 4 if same else []
        choices += ["cat"] * 3 if near and shape[0] < 9 else []
        choice = str(self.rng.choice(choices))
        if biased and choice in ("conv", "grouped"):
            choice = "relu"  # as the borders would differ
        if choice in ("add", "cat"):
            self._append(tensors, choice, last, int(self.rng.choice(same if choice == "add" else near)))
        elif choice == "again":
            self._append(tensors, "copy", int(self.rng.integers(1, len(tensors))))
        else:
            self._append(tensors, choice, last)

    def _append(self, tensors: list[tuple[tuple[int, ...], bool]], kind: str, *sources: int) -> None:
        shape, biased = tensors[sources[0]]
        channels, layer = shape[0], nn.Identity()
        if kind in ("conv", "grouped", "pointwise"):
            kernel = 1 if kind == "pointwise" else int(self.rng.choice([2, 3, 3, 5]))
            channels = int(self.rng.choice([2, 4, 6]))
            groups = 2 if kind == "grouped" else 1
            stride = int(self.rng.choice([1, 1, 2])) if min(shape[1:]) > 5 and kind == "conv" else 1
            bias = bool(self.rng.random() < 0.5)
            layer = self.conv(shape[0], channels, kernel, stride, kernel // 2, groups=groups, bias=bias)
            biased = bias or (biased and kind == "pointwise")
        elif kind == "norm":
            layer, biased = self.norm(channels, eps=float(self.rng.choice([1e-5, 1e-3]))), True
        elif kind == "pool":
            kernel = int(self.rng.choice([2, 3]))
            layer = self.pool(kernel, int(self.rng.choice([kernel, 1])))
        elif kind in ("relu", "relu6"):
            layer, biased = nn.ReLU(inplace=bool(self.rng.random() < 0.3)) if kind == "relu" else nn.ReLU6(), False
        elif kind in ("add", "cat"):
            other, others = tensors[sources[1]]
            channels, biased = (channels + other[0] if kind == "cat" else channels), biased or others
        elif kind == "split":
            channels = max(1, channels // 2)
        self.layers.append(layer)
        self.lines.append((kind, len(self.layers) - 1, sources))
        places = shape[1:]
        if not isinstance(layer, nn.Identity | nn.ReLU | nn.ReLU6):
            places = tuple(layer.eval()(torch.zeros(1, *shape)).shape[2:])
        tensors.append(((channels, *places), biased))

    def forward(self, x: Tensor) -> Tensor:
        tensors = [x]
        for kind, place, sources in self.lines:
            given = [tensors[source] for source in sources]
            if kind == "add":
                tensors.append(given[0] + given[1])
            elif kind == "cat":
                tensors.append(torch.cat(given, 1))
            elif kind == "scale":
                tensors.append(1.5 * given[0])
            elif kind == "split":
                tensors.append(given[0][:, : max(1, given[0].shape[1] // 2)])
            elif kind == "relu" and self.layers[place].inplace and kind == "relu":
                tensors.append(F.relu_(given[0].clone()))
            else:
                tensors.append(self.layers[place](given[0]))
        return self.head(torch.flatten(tensors[-1], 1))


def random_module(seed: int, signal: bool = False) -> tuple[nn.Module, Tensor]:
    """The module, and an example of two."""
    torch.manual_seed(seed)
    module = RandomModule(seed, signal)
    return estrange(module, seed), torch.randn(2, *module.shape)
