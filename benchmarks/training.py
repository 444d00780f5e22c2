"""How fast a step of training is, and how much it keeps: `python -m benchmarks.training` writes a page.

The same network, weights, recordings and optimiser by several hands: forward, backward, update. Every contender lives
in a process of its own, so that none profits from memory that another has left; the processes take turns.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

import workbench as wb
from benchmarks.tables import markdown
from workbench.norms import NORM_EPSILON
from workbench.readout import average_answers

PAGE = Path(__file__).parents[1] / "docs" / "training.md"
TEXT = Path(__file__).with_name("training.md")
STEPS, CLASSES = 16, 10
LAYERS = {"a": wb.Conv(16, 3), "b": wb.Conv(32, 3, stride=2), "c": wb.Conv(32, 3), "d": wb.Conv(64, 3, stride=2)}
ALIVE = STEPS - len(LAYERS) - 1  # in a chain of delays of 1, so many frames reach the answer
OURS = "workbench"


@dataclass(frozen=True)
class Lesson:
    """A model and a batch to learn from: frames (steps, batch, 2, 34, 34)."""

    model: wb.Model
    frames: Tensor
    labels: Tensor

    def loss(self, drive: Tensor, first: int) -> Tensor:
        """That of `wb.train`: the mean cross-entropy of every answer from the first response on."""
        answers = average_answers(drive, first, 1, "running")
        return F.cross_entropy(answers.flatten(0, 1), self.labels.repeat(len(answers)))


Hand = Callable[[Lesson], Tensor]


def prepare_lesson(batch: int, norm: str | None) -> Lesson:
    """A chain of four convolutions on 2 x 34 x 34 whose edges take a frame each, and counts of events."""
    nodes, operations = ["in", *LAYERS, "out"], [*LAYERS.values(), wb.Dense(CLASSES)]
    edges = [wb.Edge(*ends, operation) for *ends, operation in zip(nodes, nodes[1:], operations, strict=False)]
    model = wb.Model(wb.Network({"in": (2, 34, 34)}, edges), seed=0, norm=norm).train()
    generator = torch.Generator().manual_seed(1)
    frames = torch.poisson(torch.full((STEPS, batch, 2, 34, 34), 0.3), generator=generator)
    return Lesson(model, frames, torch.arange(batch) % CLASSES)


def learn_by_workbench(lesson: Lesson) -> Tensor:
    """The engine, as `wb.train` uses it."""
    output = lesson.model.network.output
    return lesson.loss(lesson.model(lesson.frames), lesson.model.network.first_response[output])


def learn_by_hand(lesson: Lesson, images: int, channels_last: bool = True) -> Tensor:
    """So many images (frames x batch) at a time through all layers, at least a frame; delays only number the answers.

    Frames that cannot reach an answer are left out. With batch norm, statistics are those of all steps, so there is
    nothing to cut.
    """
    weights = [next(layer.parameters()) for layer in lesson.model.weights]
    bias = lesson.model.node_layer("out").bias
    drives = []
    for frames in lesson.frames[:ALIVE].split(max(1, images // lesson.frames.shape[1])):
        x = frames.flatten(0, 1)
        x = x.contiguous(memory_format=torch.channels_last) if channels_last else x
        for (node, layer), weight in zip(LAYERS.items(), weights, strict=False):
            x = _respond(lesson.model, node, x, weight, layer.stride)
        drives.append(F.linear(x.flatten(1), weights[-1], bias).view(*frames.shape[:2], CLASSES))
    return lesson.loss(torch.cat(drives), 0)


def _respond(model: wb.Model, node: str, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    layer = model.node_layer(node)
    if model.norm is None:
        return F.conv2d(x, weight, layer.bias, stride, padding=1).relu_()
    x = F.conv2d(x, weight, None, stride, padding=1)
    mean, variance = torch.zeros_like(layer.mean), torch.ones_like(layer.variance)
    return F.batch_norm(x, mean, variance, layer.gain, layer.bias, True, 0.1, NORM_EPSILON).relu_()


EVERYTHING = 1 << 20
WITHOUT_NORM: dict[str, Hand] = {
    OURS: learn_by_workbench,
    "loop over frames": partial(learn_by_hand, images=1),
    **{f"groups of {images} images": partial(learn_by_hand, images=images) for images in (16, 32, 64)},
    "all steps at once": partial(learn_by_hand, images=EVERYTHING),
    "all steps at once, channels first": partial(learn_by_hand, images=EVERYTHING, channels_last=False),
}
WITH_NORM: dict[str, Hand] = {name: WITHOUT_NORM[name] for name in WITHOUT_NORM if name == OURS or "at once" in name}
HANDS: dict[str | None, dict[str, Hand]] = {None: WITHOUT_NORM, "batch": WITH_NORM}


def serve(pipe: Connection, norm: str | None, name: str, batch: int, threads: int) -> None:
    """Be a contender: do a step whenever asked.

    Every answer is (seconds, seconds of the processor, MiB at the peak beyond what the lesson takes).
    """
    torch.set_num_threads(threads)
    lesson, hand = prepare_lesson(batch, norm), HANDS[norm][name]
    optimizer = torch.optim.AdamW(lesson.model.parameters(), lr=1e-4)
    learn_by_hand(prepare_lesson(1, norm), 1).backward()  # whatever torch loads for a first step
    gc.collect()
    before = reset_peak()
    while pipe.recv():
        began, busy = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        hand(lesson).backward()
        optimizer.step()
        took = time.perf_counter() - began, time.process_time() - busy
        pipe.send((*took, read_memory("VmHWM") - before))


def reset_peak() -> float:
    """Let the kernel forget how much memory this process had at its peak; MiB that it has now."""
    Path("/proc/self/clear_refs").write_text("5")
    return read_memory("VmRSS")


def read_memory(entry: str) -> float:
    """An entry of the kernel about this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1024


def compare_steps(norm: str | None, batch: int, rounds: int, threads: int) -> pd.DataFrame:
    """Median times of a step and the memory at its peak, per contender, with the ratio to the best other hand."""
    context, pipes, workers = get_context("spawn"), {}, []
    for name in HANDS[norm]:
        pipes[name], end = context.Pipe()
        workers.append(context.Process(target=serve, args=(end, norm, name, batch, threads), daemon=True))
        workers[-1].start()
    rows = []
    for turn in range(-2, rounds):  # two to get warm
        for name, pipe in pipes.items():
            pipe.send(True)
            wall, busy, memory = pipe.recv()
            if turn >= 0:
                rows.append({"": name, "ms": 1e3 * wall, "ms of processor": 1e3 * busy, "MiB": memory})
    for pipe, worker in zip(pipes.values(), workers, strict=True):
        pipe.send(False)
        worker.join()
    return summarise(pd.DataFrame(rows), norm, batch)


def summarise(rows: pd.DataFrame, norm: str | None, batch: int) -> pd.DataFrame:
    """Medians of all rounds, the fastest other hand as 1; the peak is what the kernel has seen."""
    table = rows.groupby("", sort=False).median().assign(MiB=rows.groupby("")["MiB"].max())
    best = table.drop(index=OURS)["ms of processor"].idxmin()
    ratios = {
        "ratio": table["ms of processor"] / table["ms of processor"][best],
        "of memory": table["MiB"] / table["MiB"][best],
    }
    table = table.assign(**{name: ratio.round(2) for name, ratio in ratios.items()})
    table = table.round({"ms": 1, "ms of processor": 1, "MiB": 0}).astype({"MiB": int})
    return table.reset_index().assign(batch=batch, norm=str(norm)).set_index(["norm", "batch"])


def require_agreement(norm: str | None, batch: int = 3) -> None:
    """RuntimeError unless all have the same loss and gradients; in double precision, where no ReLU is on the edge."""
    found = {}
    for name, hand in HANDS[norm].items():
        lesson = prepare_lesson(batch, norm)
        lesson = Lesson(lesson.model.double(), lesson.frames.double(), lesson.labels)
        loss = hand(lesson)
        gradients = torch.autograd.grad(loss, list(lesson.model.parameters()))
        found[name] = torch.cat([loss.detach().view(1), *(gradient.flatten() for gradient in gradients)])
    for name, theirs in found.items():
        if not torch.allclose(theirs, found[OURS], rtol=1e-9, atol=1e-12):
            raise RuntimeError(f"{name} and {OURS} do not learn the same with norm={norm!r}")


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="rounds in turns (default 15)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--batch", type=int, nargs="+", default=[2, 8, 32], help="recordings at a time (2 8 32)")
    parser.add_argument("--print", action="store_true", help="print alone, without writing the page")
    options = parser.parse_args()
    for norm in HANDS:
        require_agreement(norm)
    tables = {
        norm: pd.concat([compare_steps(norm, b, options.rounds, options.threads) for b in options.batch])
        for norm in HANDS
    }
    print(markdown(pd.concat(tables.values())))


if __name__ == "__main__":
    main()
