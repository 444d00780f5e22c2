"""How fast a step of training is, and how much memory it takes: `python -m benchmarks.training` writes a page.

python -m benchmarks.training [--rounds 21] [--threads 2] [--batch 2 8 32] [--print]

The same network, weights, recordings and optimiser by several hands: forward, backward, update. Every contender lives
in a process of its own, so that none profits from memory that another has left; the processes take turns.
"""

from __future__ import annotations

import argparse
import gc
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
from benchmarks.engine.networks import CLASSES, SHAPE, draw_network, lag
from benchmarks.tables import markdown
from workbench.engine.normalization import NORM_EPSILON
from workbench.engine.scheduler import TRAINING_BLOCK_BYTES
from workbench.machine import describe_machine
from workbench.model.readout import average_answers
from workbench.training.gradient_checkpointing import run_segments
from workbench.training.mixed_precision import cast

PAGE = Path(__file__).parents[1] / "docs" / "training.md"
TEXT = Path(__file__).with_name("training.md")
STEPS, LONG = 16, 160
OURS, EVERYTHING = "workbench", 1 << 20


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


def prepare_lesson(norm: str | None, steps: int, batch: int) -> Lesson:
    """The chain of four convolutions that the engine is measured on as well, and counts of events."""
    model = wb.Model(draw_network(), seed=0, norm=norm).train()
    generator = torch.Generator().manual_seed(1)
    frames = torch.poisson(torch.full((steps, batch, *SHAPE), 0.3), generator=generator)
    return Lesson(model, frames, torch.arange(batch) % CLASSES)


def learn_by_workbench(lesson: Lesson) -> Tensor:
    """The engine, as `wb.train` uses it."""
    return lesson.loss(lesson.model(lesson.frames), lag(lesson.model))


def learn_by_segments(lesson: Lesson, recompute: int) -> Tensor:
    """The engine, as `wb.train(recompute=...)` uses it."""
    return lesson.loss(run_segments(lesson.model, lesson.frames, recompute), lag(lesson.model))


def learn_in_bfloat16(lesson: Lesson) -> Tensor:
    """The engine, as `wb.train(precision="bf16")` uses it."""
    with cast(lesson.model.device, "bf16"):
        return learn_by_workbench(lesson)


def learn_by_hand(lesson: Lesson, images: int, channels_last: bool = True) -> Tensor:
    """So many images (frames x batch) at a time through all layers, at least a frame; delays only number the answers.

    The last frames, which reach no answer, are left out. With batch norm, statistics are those of all steps, so there
    is nothing to cut.
    """
    *edges, _ = lesson.model.network.edges
    *weights, last = [next(layer.parameters()) for layer in lesson.model.weights]
    bias = lesson.model.node_layer("out").bias
    drives = []
    for frames in lesson.frames[: -lag(lesson.model)].split(max(1, images // lesson.frames.shape[1])):
        x = frames.flatten(0, 1)
        x = x.contiguous(memory_format=torch.channels_last) if channels_last else x
        for edge, weight in zip(edges, weights, strict=True):
            x = _respond(lesson.model, edge.target, x, weight, edge.operation.stride)
        drives.append(F.linear(x.flatten(1), last, bias).view(*frames.shape[:2], CLASSES))
    return lesson.loss(torch.cat(drives), 0)


def _respond(model: wb.Model, node: str, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    layer = model.node_layer(node)
    if model.norm is None:
        return F.conv2d(x, weight, layer.bias, stride, padding=1).relu_()
    x = F.conv2d(x, weight, None, stride, padding=1)
    mean, variance = torch.zeros_like(layer.mean), torch.ones_like(layer.variance)
    return F.batch_norm(x, mean, variance, layer.gain, layer.bias, True, 0.1, NORM_EPSILON).relu_()


@dataclass(frozen=True)
class Contest:
    """Who learns from so many steps; times and memory are multiples of the best other hand's, or of the engine's."""

    norm: str | None
    steps: int
    hands: dict[str, Hand]
    beside_ours: bool = False


AT_ONCE: dict[str, Hand] = {
    "all steps at once": partial(learn_by_hand, images=EVERYTHING),
    "all steps at once, channels first": partial(learn_by_hand, images=EVERYTHING, channels_last=False),
}
GROUPS: dict[str, Hand] = {
    "loop over frames": partial(learn_by_hand, images=1),
    **{f"groups of {images} images": partial(learn_by_hand, images=images) for images in (16, 32, 64)},
}
SEGMENTS: dict[str, Hand] = {f"recompute={steps}": partial(learn_by_segments, recompute=steps) for steps in (8, 32)}
BFLOAT: dict[str, Hand] = {OURS: learn_by_workbench, 'precision="bf16"': learn_in_bfloat16}
CONTESTS = {
    "plain": Contest(None, STEPS, {OURS: learn_by_workbench, **GROUPS, **AT_ONCE}),
    "normed": Contest("batch", STEPS, {OURS: learn_by_workbench, **AT_ONCE}),
    "long": Contest(None, LONG, {OURS: learn_by_workbench, **SEGMENTS}, True),
    "bfloat": Contest(None, STEPS, BFLOAT, True),
    "normed bfloat": Contest("batch", STEPS, BFLOAT, True),
}


def serve(pipe: Connection, contest: str, name: str, batch: int, threads: int) -> None:
    """Be a contender: do a step whenever asked, until told to end.

    Every answer is (milliseconds, milliseconds of the processor, MiB at the peak beyond what the lesson takes).
    """
    torch.set_num_threads(threads)
    chosen = CONTESTS[contest]
    lesson, hand = prepare_lesson(chosen.norm, chosen.steps, batch), chosen.hands[name]
    optimizer = torch.optim.AdamW(lesson.model.parameters(), lr=1e-4)
    hand(prepare_lesson(chosen.norm, 6, 2)).backward()  # whatever torch loads for a first step
    gc.collect()
    before = reset_peak()
    while pipe.recv():
        began, busy = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        hand(lesson).backward()
        optimizer.step()
        took = time.perf_counter() - began, time.process_time() - busy
        pipe.send((1e3 * took[0], 1e3 * took[1], read_memory("VmHWM") - before))


def reset_peak() -> float:
    """Let the kernel forget how much memory this process had at its peak; MiB that it has now."""
    Path("/proc/self/clear_refs").write_text("5")
    return read_memory("VmRSS")


def read_memory(entry: str) -> float:
    """An entry of the kernel about this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1024


def compare_steps(contest: str, batch: int, rounds: int, threads: int) -> pd.DataFrame:
    """Median times of a step and the memory at its peak, per contender."""
    context, pipes, rows = get_context("spawn"), {}, []
    for name in CONTESTS[contest].hands:
        pipes[name], end = context.Pipe()
        context.Process(target=serve, args=(end, contest, name, batch, threads), daemon=True).start()
    for turn in range(-2, rounds):  # two to get warm
        for name, pipe in pipes.items():
            pipe.send(True)
            wall, busy, memory = pipe.recv()
            if turn >= 0:
                rows.append({"": name, "ms": wall, "ms of processor": busy, "MiB": memory})
    for pipe in pipes.values():
        pipe.send(False)
    return summarise(pd.DataFrame(rows), batch, CONTESTS[contest].beside_ours)


def summarise(rows: pd.DataFrame, batch: int, beside_ours: bool) -> pd.DataFrame:
    """Medians of all rounds, and ratios to the engine or to the fastest other hand by time of the processor."""
    table = rows.groupby("", sort=False).median().assign(MiB=rows.groupby("")["MiB"].max())
    best = table.loc[OURS if beside_ours else table.drop(index=OURS)["ms of processor"].idxmin()]
    table["time"] = (table["ms of processor"] / best["ms of processor"]).round(2)
    table["memory"] = (table["MiB"] / best["MiB"]).round(2)
    table = table.round({"ms": 1, "ms of processor": 1}).astype({"MiB": int})
    return table.reset_index().assign(batch=batch).set_index("batch")


def require_agreement(contest: Contest, batch: int = 3) -> None:
    """RuntimeError unless all have the same loss and gradients; in double precision, where no ReLU is on the edge."""
    found = {}
    for name, hand in contest.hands.items():
        lesson = prepare_lesson(contest.norm, STEPS, batch)
        lesson = Lesson(lesson.model.double(), lesson.frames.double(), lesson.labels)
        loss = hand(lesson)
        gradients = torch.autograd.grad(loss, list(lesson.model.parameters()))
        found[name] = torch.cat([loss.detach().view(1), *(gradient.flatten() for gradient in gradients)])
    for name, theirs in found.items():
        if not torch.allclose(theirs, found[OURS], rtol=1e-9, atol=1e-12):
            raise RuntimeError(f"{name} and {OURS} do not learn the same with norm={contest.norm!r}")


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="rounds in turns (default 21)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--batch", type=int, nargs="+", default=[2, 8, 32], help="recordings at a time (2 8 32)")
    parser.add_argument("--print", action="store_true", help="do not write the page")
    options = parser.parse_args()
    for name in ("plain", "normed", "long"):  # bfloat16 rounds, so it learns something else
        require_agreement(CONTESTS[name])
    tables = {
        name: pd.concat(
            compare_steps(name, batch, options.rounds, options.threads)
            for batch in (options.batch if name in ("plain", "normed") else options.batch[-1:])
        )
        for name in CONTESTS
    }
    numbers = {name.replace(" ", "_"): markdown(table) for name, table in tables.items()}
    page = TEXT.read_text(encoding="utf-8").format(
        machine=describe_machine(options.threads), rounds=options.rounds, size=TRAINING_BLOCK_BYTES / 2**20, **numbers
    )
    print(page)
    if not options.print:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
