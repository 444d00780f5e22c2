"""What holds of all events, whatever their format: checked block by block, which are then cut to the wanted size."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from workbench.events.event_arrays import Events, Sensor
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.event_blocks import Block, event_error, rechunk
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.time_order import require_order, sort_late_events

WIDEST: Sensor = (2**15, 2**15)
"""What the fields x and y can hold."""


def check_events(
    path: Path, blocks: Generator[Block], options: ReadOptions, remarks: Remarks, file_sensor: Sensor | None = None
) -> Iterator[Events]:
    """The events of ``blocks``, ``options.events`` at a time; ``file_sensor`` is the sensor by the file's header.

    Raises DamagedFile for a place outside the sensor, a step back in time, also between blocks (if steps back are
    sorted: a large one), or no event at all.
    """
    bounds = options.bounds or options.sensor or file_sensor or WIDEST
    return rechunk(_checked(path, blocks, bounds, options.sort, remarks), options.events)


def _checked(
    path: Path, blocks: Generator[Block], sensor: Sensor, sort: bool, remarks: Remarks
) -> Iterator[Events]:  # fmt: skip
    with closing(blocks):  # an error's traceback must not leave the file open
        inside = _require_inside(path, blocks, sensor)
        count = 0
        for block in sort_late_events(path, inside, remarks) if sort else require_order(path, inside):
            count += len(block)
            yield block.pack()
    if count == 0:
        raise DamagedFile(path, "holds no events")


def _require_inside(path: Path, blocks: Generator[Block], sensor: Sensor) -> Generator[Block]:
    """The blocks that are not empty. Raises DamagedFile for a place outside the sensor."""
    height, width = sensor
    for block in blocks:
        outside = (block.x < 0) | (block.x >= width) | (block.y < 0) | (block.y >= height)
        if outside.any():
            bad = int(outside.argmax())
            fact = f"has x = {block.x[bad]}, y = {block.y[bad]}"
            raise event_error(path, fact, block.unit, int(block.place[bad]), f"outside {height} x {width}")
        if len(block):
            yield block
