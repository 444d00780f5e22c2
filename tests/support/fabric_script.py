"""What a script of Lightning Fabric does in each of its two processes; the argument is a folder to write into."""

import json
import sys
from pathlib import Path

import torch
from lightning_fabric import Fabric

import workbench as wb
from tests.support.trainings import failing_loss, some_network, some_recordings

OPTIONS = {"epochs": 3, "batch": 14, "progress": False, "dropout": 0.1}


def refuse(**options):
    """The words with which a training is refused."""
    model = wb.Model(some_network(True), seed=options.pop("model", 1)).double()
    try:
        wb.train(model, some_recordings(count=41), **OPTIONS | options)
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was refused"


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    told = {"before": refuse(fabric=fabric)}
    fabric.launch()
    fabric.launch()  # which changes nothing
    rank, calls = fabric.global_rank, []
    told |= {
        "number": refuse(fabric=2),
        "device": refuse(fabric=fabric, device="cpu"),
        "different": refuse(fabric=fabric, model=1 + rank),
        "checkpoint": refuse(fabric=fabric, checkpoint=folder / "damaged"),
    }
    trained, history = wb.train(
        wb.Model(some_network(True), seed=1).double(), some_recordings(count=41), some_recordings(1), **OPTIONS,
        fabric=fabric, checkpoint=folder / f"{rank}.checkpoint", callback=lambda update: calls.append(update) or False,
    )  # fmt: skip
    wb.save_model(trained, folder / f"{rank}.model", history=history)
    told["failed"] = refuse(fabric=fabric, loss=failing_loss)
    told["calls"] = len(calls)
    (folder / f"{rank}.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
