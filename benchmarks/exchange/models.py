"""What the page converts and imports: an ANN of the digits, and a ResNet of torch."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

import workbench as wb

EPOCHS = 6


def train_digits() -> tuple[wb.Model, wb.Dataset]:
    """An ANN with delays, a shortcut among them, trained on the embedded digits."""
    digits = wb.load("digits", frames=8, ticks_per_frame=12)
    edges = [
        wb.Edge("retina", "v1", wb.Conv(16, kernel=3, stride=2)),
        wb.Edge("v1", "v2", wb.Conv(32, kernel=3, stride=2)),
        wb.Edge("retina", "v2", wb.Conv(32, kernel=3, stride=4)),
        wb.Edge("v2", "digit", wb.Dense(10)),
    ]
    ann, _ = wb.train(
        wb.Model(wb.Network({"retina": digits.shape}, edges), seed=0), digits, epochs=EPOCHS, progress=False
    )
    return ann, digits


def measure_import() -> dict[str, str]:
    """Seconds and size of the import of a ResNet of 20 layers, and the largest difference of its logits."""
    module, example = ResNet20().eval(), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    begin = time.perf_counter()
    model = wb.from_torch(module, example)
    took = time.perf_counter() - begin
    with torch.no_grad():
        error = (model(example.unsqueeze(0))[0] - module(example)).abs().max() / module(example).abs().max()
    return {
        "resnet_s": f"{took:.1f}",
        "resnet_nodes": str(len(model.network.nodes)),
        "resnet_edges": str(len(model.network.edges)),
        "resnet_error": f"{float(error):.0e} of the largest",
    }


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + self.down(x))


class ResNet20(nn.Module):
    """He et al. 2016, for images of 32 x 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True))
        widths = [
            (16, 16, 1),
            (16, 16, 1),
            (16, 16, 1),
            (16, 32, 2),
            (32, 32, 1),
            (32, 32, 1),
            (32, 64, 2),
            (64, 64, 1),
        ]
        self.blocks = nn.Sequential(*(Block(*some) for some in [*widths, (64, 64, 1)]))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.head(self.blocks(self.stem(x)))
        return answer
