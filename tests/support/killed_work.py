"""Everything that writes files, again and again: what a kill may interrupt."""

from pathlib import Path

import workbench as wb
from tests.support import tiny
from workbench.exchange import model_files


def work(folder: Path) -> wb.Model:
    """Everything that writes files, again and again; the trained model."""
    model = wb.Model(tiny.network(), seed=1)
    for turn in range(6):
        dataset = wb.load(folder / "set", frames=5, ticks_per_frame=4, window_us=10_000 - turn, sensor=(3, 3))
        ann, _ = wb.train(model, dataset, epochs=2 * turn + 2, batch=4, progress=False, checkpoint=folder / f"c{turn}")
        model_files.save_model(ann, folder / "model.safetensors")
        ann.network.save(folder / "network.json")
    return ann
