"""Everything that writes files, again and again: what a kill may interrupt.

`python -m tests.support.killed_work` imports what there is to import, and then for every folder that it reads begins
`learn_and_keep` in a process of its own: it says its number and, asked by an empty line, how it ended.
"""

import faulthandler
import os
import sys
import tempfile
from pathlib import Path

import torch

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


def learn_and_keep(folder: Path) -> None:
    """Train with a checkpoint, save the model with its history, load it and save it again, several times."""
    model, options = wb.Model(tiny.network(), seed=1), {"epochs": 4, "batch": 4, "progress": False}
    ann, history = wb.train(model, tiny.recordings(12), checkpoint=folder / "checkpoint", **options)
    for _ in range(3):
        wb.save_model(ann, folder / "model", history=history)
        again = wb.load_model(folder / "model")
        wb.save_model(again, folder / "again", history=wb.describe_model_file(folder / "model").history)


def serve() -> None:
    """Begin `learn_and_keep` in every folder whose path is read, one after the other."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        learn_and_keep(Path(folder))  # which imports what every one of the processes would, torch._dynamo among it
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            faulthandler.dump_traceback_later(60, exit=True)
            learn_and_keep(Path(line.rstrip("\n")))
            os._exit(0)
        print(number, flush=True)
        sys.stdin.readline()  # until somebody asks: the number is no other process's before it was waited for
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
