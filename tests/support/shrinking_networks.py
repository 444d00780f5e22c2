"""Random stacks of maps that change the shape: strided, grouped, rectangular, even, pooled; of images and signals."""

import numpy as np

import workbench as wb
from workbench.network import Operation

IMAGES: list[Operation] = [
    wb.Conv(3, kernel=3, stride=2),
    wb.Conv(2, kernel=5, stride=3),
    wb.Chain(wb.Pool(2), wb.Conv(3, kernel=3)),
    wb.Chain(wb.Conv(2, kernel=3, stride=2), wb.Conv(4, kernel=3)),
    wb.Chain(wb.Conv(3, kernel=5), wb.Pool(2)),
    wb.Pool((1, 2)),
    wb.Conv(4, kernel=(3, 1), stride=(2, 1)),
    wb.Conv(6, kernel=4, stride=2, padding=1, groups=2),
    wb.Conv(8, kernel=3, stride=2, groups=4),
    wb.Conv(4, kernel=(1, 2), padding=(0, 1), groups=4),
    wb.Chain(wb.Pool((1, 2)), wb.Conv(4, kernel=2, padding=0)),
    wb.Chain(wb.Conv(4, kernel=3, groups=2), wb.Conv(6, kernel=3, stride=2, groups=2)),
]
SIGNALS: list[Operation] = [
    wb.Conv1d(3, kernel=3, stride=2),
    wb.Conv1d(4, kernel=4, stride=2, padding=1),
    wb.Conv1d(6, kernel=5, groups=2),
    wb.Conv1d(8, kernel=3, stride=3, groups=4),
    wb.Pool(2),
    wb.Chain(wb.Pool(2), wb.Conv1d(4, kernel=3, groups=2)),
    wb.Chain(wb.Conv1d(4, kernel=2, padding=0), wb.Pool(2)),
]


def shrinking_network(seed: int, sums: bool = False) -> wb.Network:
    """Two nodes and an output, with a shortcut and a loop; of every third the input is a signal.

    `sums` says whether the global pools into the output add up rather than average.
    """
    rng = np.random.default_rng(seed)
    signal = seed % 3 == 2
    source = (4, 21) if signal else (4, 9, 8)
    first = _draw(rng, SIGNALS if signal else IMAGES, source)
    second = _draw(rng, SIGNALS if signal else IMAGES, first.output_shape(source))
    channels = second.output_shape(first.output_shape(source))[0]
    loop = (wb.Conv1d if signal else wb.Conv)(channels, kernel=3, groups=int(rng.choice([1, channels])))
    pooled = wb.Chain(wb.GlobalPool(sums=sums), wb.Dense(3))
    read, short = (
        pooled if rng.random() < 0.5 else other for other in (wb.Dense(3), wb.Chain(wb.Pool(2), wb.Dense(3)))
    )
    delays = [int(delay) for delay in rng.integers(0, 3, 5)]
    edges = [
        wb.Edge("in", "a", first, delays[0]),
        wb.Edge("a", "b", second, delays[1]),
        wb.Edge("b", "b", loop, 1 + delays[2]),
        wb.Edge("b", "out", read, delays[3]),
        wb.Edge("in", "out", short, delays[4]),
    ]
    return wb.Network({"in": source}, edges, output="out")


def _draw(rng: np.random.Generator, choices: list[Operation], source: tuple[int, ...]) -> Operation:
    """One of the maps that a source of this shape can go through."""
    while True:
        chosen = choices[rng.integers(len(choices))]
        try:
            chosen.output_shape(source)
        except ValueError as error:
            if "multiple of" not in str(error) and "larger than" not in str(error):
                raise
        else:
            return chosen
