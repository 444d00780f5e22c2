"""Measure the engine beside its peers and write docs/engine.md: `make engine`.

python -m benchmarks.engine [--rounds 9] [--threads 2] [--quick]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.engine.choice_grid import measure_choices
from benchmarks.engine.comparison import compare
from benchmarks.engine.curves import trace_all
from benchmarks.engine.end_to_end import measure_jobs
from benchmarks.engine.extents import QUICK, WHOLE, Extent
from benchmarks.engine.loops import measure_loops
from benchmarks.engine.networks import RATE, build_model, draw_network, draw_ticks, lag, measure_rates
from benchmarks.engine.page import Comparison, Measured, write
from benchmarks.engine.peers import tell_versions
from benchmarks.engine.starts import measure_first_runs, measure_imports
from benchmarks.engine.streams import measure_latency, measure_memory
from benchmarks.engine.verbs import measure_verbs
from benchmarks.gpu import report_if_any
from workbench.machine import describe_machine

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="interleaved rounds of the comparison with the peers (default 9)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--quick", action="store_true", help="a little of everything, into build/engine.md")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    extent = QUICK if options.quick else WHOLE
    extent = replace(extent, rounds=options.rounds or extent.rounds)
    page = ROOT / ("build" if options.quick else "docs") / "engine.md"
    write(measure_all(extent), extent, page)
    print(page.read_text(encoding="utf-8"))
    print(f"written to {page}")


def measure_all(extent: Extent) -> Measured:
    """Everything on the page, each part announced."""
    model = build_model(draw_network())
    _announce("import and first run")
    imports, first_runs = measure_imports(extent.starts), measure_first_runs(extent.first_starts)
    _announce("all contenders")
    comparisons = tuple(compare_at(batch, rate, extent) for rate in extent.rates for batch in extent.batches)
    _announce("cost curves")
    curves = tuple(trace_all(extent))
    _announce("the choice of an engine")
    choices = measure_choices(extent)
    _announce("loops")
    loops = measure_loops(extent.batches, extent.steps, extent.turns)
    _announce("streams")
    latency, memory = measure_latency(model, extent.stream_ticks, RATE), measure_memory(extent.marks)
    _announce("verbs, whole jobs and the GPU")
    verbs = measure_verbs(extent.verb_rounds, share=extent.share)
    jobs = measure_jobs(extent.job_rounds, share=extent.share)
    return Measured(
        describe_machine(),
        tell_versions(),
        lag(model),
        comparisons,
        curves,
        choices,
        imports,
        first_runs,
        latency,
        memory,
        loops,
        verbs,
        jobs,
        report_if_any(),
    )


def compare_at(batch: int, rate: float, extent: Extent) -> Comparison:
    """All contenders at one batch and activity."""
    model = build_model(draw_network(), rate)
    ticks = draw_ticks(extent.steps + lag(model), batch, rate, seed=1)
    return Comparison(batch, measure_rates(model, ticks), compare(model, ticks, extent.rounds))


def _announce(part: str) -> None:
    print(f"measuring: {part}", flush=True)


if __name__ == "__main__":
    main()
