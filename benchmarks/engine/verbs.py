"""How long the verbs around a conversion take, beside the comparison of the ANN alone.

python benchmarks/engine/verbs.py [--rounds 5] [--threads 2] [--epochs 12] prints the table alone. With
PYTHONPATH=<another checkout> before it that checkout is timed: several can be, in turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pandas as pd
import torch

import workbench as wb
from benchmarks.engine.timing import interleave
from benchmarks.tables import markdown
from workbench import widgets
from workbench.machine import describe_machine
from workbench.study.main_job import take_part

SET, K, EPOCHS = "motion", 12, 12
UNIT = "compare, ANN"


def measure_verbs(rounds: int, epochs: int = EPOCHS, share: float = 1.0) -> pd.DataFrame:
    """Seconds of every verb and their ratio to `compare` of the ANN, medians of interleaved rounds.

    `share` of the set is taken; the panel is closed between the times, with what it computes in advance.
    """
    dataset = wb.load(SET) if share == 1 else take_part(wb.load(SET), share)
    network = wb.architectures.shortcut_network(dataset.shape, len(dataset.classes), loop=True)
    ann, _ = wb.train(wb.Model(network.streaming(), seed=0), dataset, epochs=epochs, progress=False)
    plain = wb.convert(ann, dataset, percentile=99.9, ticks_per_frame=K)
    chosen = wb.convert(ann, dataset, ticks_per_frame=K)
    calls: dict[str, Callable[[], object]] = {
        UNIT: lambda: wb.compare({"ANN": ann}, dataset),
        "compare, SNN of percentile=99.9": lambda: wb.compare({"SNN": plain}, dataset),
        "compare, SNN of the default conversion": lambda: wb.compare({"SNN": chosen}, dataset),
        "convert, percentile=99.9": lambda: wb.convert(ann, dataset, percentile=99.9, ticks_per_frame=K),
        "convert, with its search": lambda: wb.convert(ann, dataset, ticks_per_frame=K),
        "diagnose, SNN of percentile=99.9": lambda: wb.diagnose(ann, plain, dataset),
        "diagnose, SNN of the default conversion": lambda: wb.diagnose(ann, chosen, dataset),
        "widgets.convert, its first view": lambda: widgets.convert(ann, dataset),
    }
    for call in calls.values():
        _close(call())  # what is compiled and read only once
    seconds = pd.Series(interleave(calls, rounds, _close)) / 1e3
    return pd.DataFrame({"s": seconds, "to the ANN's compare": seconds / seconds[UNIT]}).round(2).rename_axis("verb")


def _close(found: object) -> None:
    if isinstance(found, widgets.ConvertPanel):
        found.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs of the ANN (default {EPOCHS})")
    parser.add_argument("--part", type=float, default=1.0, help="share of the recordings (default all)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = measure_verbs(options.rounds, options.epochs, options.part)
    print(f"{wb.__file__}\nMeasured on {describe_machine()}.\n\n{markdown(table)}")


if __name__ == "__main__":
    main()
