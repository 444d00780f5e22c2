"""The whole job in seconds: load, train, convert, evaluate, beside peers that learn the spiking network itself.

python -m benchmarks.engine.end_to_end [--rounds 3] [--threads 2] [--epochs 5] [--part 1] prints the table alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.contenders import Missing, lay_out
from benchmarks.engine.networks import K
from benchmarks.engine.surrogates import LEARNERS, Learner, learn
from benchmarks.engine.timing import measure
from benchmarks.tables import markdown
from workbench.evaluation import batches
from workbench.machine import describe_machine
from workbench.study.main_job import take_part
from workbench.training.schedule import learning_rate_at

SET, OURS = "motion", "workbench"
STAGES = ("load", "train", "convert", "evaluate")
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 5, 32, 4e-3, 1e-2  # the defaults of wb.train, but for the epochs
WARM = 0.02  # of the set, for what is compiled and read only once


@dataclass
class Trial:
    """Seconds of the stages of one job, and the accuracy at its end."""

    seconds: dict[str, float] = field(default_factory=dict)
    accuracy: float = float("nan")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the time of what is done within."""
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin


@dataclass(frozen=True)
class Amount:
    """How much is learned: epochs, and the share of the recordings."""

    epochs: int
    share: float

    def load(self) -> wb.Dataset:
        """The recordings."""
        dataset = wb.load(SET, ticks_per_frame=K)
        return dataset if self.share == 1 else take_part(dataset, self.share)


Job = Callable[[Amount], Trial]


def do_by_workbench(amount: Amount) -> Trial:
    """Train streaming, convert by default, evaluate the SNN."""
    trial = Trial()
    with trial.stage("load"):
        dataset = amount.load()
    with trial.stage("train"):
        model = wb.Model(draw_shortcut(dataset).streaming(), seed=0)
        ann, _ = wb.train(model, dataset, epochs=amount.epochs, batch=BATCH, progress=False)
    with trial.stage("convert"):
        snn = wb.convert(ann, dataset)
    with trial.stage("evaluate"):
        trial.accuracy = wb.evaluate(snn, dataset)["accuracy"]
    return trial


def do_by_peer(amount: Amount, make: Callable[[wb.Network], Learner], layout: torch.memory_format) -> Trial:
    """Learn the spiking network by surrogate gradients over all ticks; there is nothing to convert."""
    trial = Trial()
    with trial.stage("load"):
        dataset = amount.load()
    with trial.stage("train"):
        learner = train_peer(make, dataset, amount.epochs, layout)
    with trial.stage("evaluate"):
        trial.accuracy = evaluate_peer(learner, dataset.test, layout)
    return trial


def train_peer(
    make: Callable[[wb.Network], Learner], dataset: wb.Dataset, epochs: int, layout: torch.memory_format
) -> Learner:
    """What `wb.train` does, with the peer's network: loss, optimiser, cycle of the learning rate, clipping, batches."""
    torch.manual_seed(0)
    learner, seen = make(draw_shortcut(dataset)), dataset.train
    learner.layers.to(memory_format=layout).train()
    optimizer = torch.optim.AdamW(learner.layers.parameters(), weight_decay=WEIGHT_DECAY)
    for epoch in range(epochs):
        order = np.random.default_rng([0, epoch]).permutation(len(seen))
        parts = list(batches(len(seen), BATCH, order))
        for number, chosen in enumerate(parts):
            done = (epoch + number / len(parts)) / epochs
            optimizer.param_groups[0]["lr"] = learning_rate_at(done, LEARNING_RATE)
            learn(learner, optimizer, bin_ticks(seen, chosen, layout), torch.tensor(seen.labels[chosen]))
    return learner


@torch.no_grad()
def evaluate_peer(learner: Learner, recordings: wb.Recordings, layout: torch.memory_format) -> float:
    """The share of recordings whose class has the largest mean drive over all ticks."""
    learner.layers.eval()
    right = 0
    for chosen in batches(len(recordings), BATCH):
        answers = learner.forward(bin_ticks(recordings, chosen, layout)).mean(0)
        right += int((answers.argmax(1) == torch.tensor(recordings.labels[chosen])).sum())
    return right / len(recordings)


def bin_ticks(recordings: wb.Recordings, chosen: np.ndarray, layout: torch.memory_format) -> Tensor:
    """The ticks of a batch in this layout."""
    return lay_out(torch.from_numpy(recordings.as_ticks(chosen)), layout)


def draw_shortcut(dataset: wb.Dataset) -> wb.Network:
    """Three convolutions, a shortcut and a dense layer."""
    return wb.architectures.shortcut_network(dataset.shape, len(dataset.classes))


def find_jobs() -> tuple[dict[str, Job], dict[str, str]]:
    """The jobs of those who are installed, peers in the quicker layout, all warm; and who is missing."""
    little = Amount(1, WARM)
    jobs: dict[str, Job] = {OURS: do_by_workbench}
    do_by_workbench(little)
    missing = {}
    for name, make in LEARNERS.items():
        try:
            jobs[name] = find_faster(make, little)
        except Missing as error:
            missing[name] = str(error)
    return jobs, missing


def find_faster(make: Callable[[wb.Network], Learner], little: Amount) -> Job:
    """The job of a peer in the layout that takes less time here; each is tried three times."""

    def prepare(layout: torch.memory_format) -> Job:
        return lambda amount: do_by_peer(amount, make, layout)

    jobs = [prepare(layout) for layout in (torch.channels_last, torch.contiguous_format)]
    return min(jobs, key=lambda job: min(measure(lambda: job(little)) for _ in range(3)))


def measure_jobs(rounds: int, epochs: int = EPOCHS, share: float = 1.0) -> pd.DataFrame:
    """A row per contender: median seconds of every stage and in all, the ratio of these, and the accuracy."""
    jobs, missing = find_jobs()
    names, trials = list(jobs), {name: list[Trial]() for name in jobs}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            trials[name].append(jobs[name](Amount(epochs, share)))
    totals = {name: float(np.median([sum(trial.seconds.values()) for trial in own])) for name, own in trials.items()}
    rows = []
    for name, own in trials.items():
        medians = {stage: np.median([trial.seconds.get(stage, np.nan) for trial in own]) for stage in STAGES}
        shown = {f"{stage} (s)": "" if np.isnan(taken) else f"{taken:.1f}" for stage, taken in medians.items()}
        ratio, accuracy = totals[name] / totals[OURS], np.median([trial.accuracy for trial in own])
        rows.append(
            {"contender": name, **shown, "in all (s)": f"{totals[name]:.1f}", "ratio": f"{ratio:.2f}"}
            | {"accuracy": f"{accuracy:.1%}"}
        )
    rows += [{"contender": name, "accuracy": f"missing: {words}"} for name, words in missing.items()]
    return pd.DataFrame(rows).fillna("").set_index("contender")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs (default {EPOCHS})")
    parser.add_argument("--part", type=float, default=1.0, help="share of the recordings (default all)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = measure_jobs(options.rounds, options.epochs, options.part)
    print(f"Measured on {describe_machine()}.\n\n{markdown(table)}")


if __name__ == "__main__":
    main()
