"""`python -m benchmarks.scale` measures every part, or those that are named, and writes its block of docs/scale.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.readme import write_block
from benchmarks.scale.data import measure_data
from benchmarks.scale.sweeps import measure_sweeps
from benchmarks.scale.training import measure_training
from workbench.machine import describe_machine
from workbench.threads import load

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
PARTS: dict[str, Callable[[], str]] = {"sweeps": measure_sweeps, "training": measure_training, "data": measure_data}
"""The block of the page that each part writes."""
BUSY = 0.3  # of a core that others took before it began


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts (default: all)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="N-MNIST recordings to wait for as well")
    given = parser.parse_args()
    chosen = given.parts or list(PARTS)
    parts = PARTS | {"data": partial(measure_data, given.data)}
    for name in chosen:
        busy = load()
        shared = f" Others used the machine meanwhile ({busy:.1f} processes for each core at the begin)."
        text = f"Measured on {describe_machine(1)}.{shared if busy > BUSY else ''}\n\n{parts[name]()}"
        write_block(name, text, PAGE)
        print(f"{text}\n\nwritten to {PAGE}")


if __name__ == "__main__":
    main()
