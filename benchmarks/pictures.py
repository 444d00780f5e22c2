"""The pictures of the README, made by the product: `python -m benchmarks.pictures` writes docs/images."""

from __future__ import annotations

from pathlib import Path

import torch

import workbench as wb
from workbench import figures
from workbench.study.main_job import STREAMING_ANN, run_main_job

FOLDER = Path(__file__).parents[1] / "docs" / "images"


def main() -> None:
    """Do the main job on `motion`, and save its figures."""
    found = run_main_job(wb.load("motion"), seed=0)
    network, test = found.network, found.dataset.test
    snn = wb.convert(found.models[STREAMING_ANN], found.dataset.train, percentile=99.9)  # one spike a tick
    with torch.no_grad():
        spikes = snn.run(torch.from_numpy(test.as_ticks([0], snn.ticks_per_frame)))
    streaming, sequential = (wb.Rollout(n, frames=6) for n in (network.streaming(), network.sequential()))
    pictures = {
        "rollouts": figures.rollouts(streaming, sequential, place=("class", 5)),
        "frames": figures.frames(test.as_frames([0])[:, 0], window_us=test.window_us),
        "accuracy": figures.accuracy(found.costs),
        "operations": figures.operations(found.costs),
        "raster": figures.raster(spikes, ticks_per_frame=snn.ticks_per_frame),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, figure in pictures.items():
        figures.save(figure, FOLDER / f"{name}.png")
        print(f"written: {FOLDER / name}.png")


if __name__ == "__main__":
    main()
