"""How events are to be read, and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.events.event_arrays import Sensor


@dataclass(frozen=True)
class ReadOptions:
    """How a user wants files of events to be read.

    ``sensor`` is the given height and width, which may also decide how a file is laid out; places outside
    ``bounds`` (by default the sensor, else what the file says) are refused. ``columns`` are the fields of a table
    without names, in its order; ``unit`` is that of the times in a table ("s", "ms", "us", "ns"; None: guessed).
    ``sort`` puts in order events that are a little late; blocks hold ``events`` of them.
    """

    sensor: Sensor | None = None
    bounds: Sensor | None = None
    columns: tuple[str, ...] | None = None
    unit: str | None = None
    sort: bool = False
    events: int = 2**18


DEFAULT_OPTIONS = ReadOptions()


@dataclass
class Remarks:
    """What is worth a word after a recording has been read to its end.

    ``late`` counts the events that stood behind a later one and were sorted, by at most ``latest_us``; ``doubt`` says
    why the unit of the times may be another than was taken.
    """

    late: int = 0
    latest_us: int = 0
    doubt: str = ""

    @property
    def words(self) -> list[str]:
        """One sentence for everything remarkable, to follow the name of what was read.

        >>> Remarks(late=2, latest_us=30).words
        ['stepped back in time at 2 events, by at most 30 us; they were sorted']
        """
        sorted_ = (
            f"stepped back in time at {self.late:,} events, by at most {self.latest_us:,} us; they were sorted"
            if self.late
            else ""
        )
        return [words for words in (sorted_, self.doubt) if words]
