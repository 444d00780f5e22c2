"""Finished points on disk: a JSON file each, written aside, then renamed, and one that tells the sweep."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.atomic import replacing
from workbench.json_text import read_json, require_names
from workbench.machine import find_version
from workbench.sweeps.fingerprints import fingerprint
from workbench.sweeps.function_checks import digest_source, name_function
from workbench.sweeps.plain_values import decode, encode, simplify
from workbench.sweeps.point_run import Outcome
from workbench.sweeps.points import Point

SWEEP_FILE = "sweep.json"
NAMES = ("parameters", "results", "seed", "seconds")
WORDS = {
    "function": "function",
    "source": "source of the function",
    "shared": "shared values",
    "seed": "seed",
    "version": "version of the workbench",
}


@dataclass(frozen=True)
class PointStore:
    """A folder of finished points, all of one sweep."""

    folder: Path
    identity: Mapping[str, Any]

    def open(self) -> None:
        """Begin the folder, or see that it is of this sweep; ValueError, which says in what it differs, if not."""
        path = self.folder / SWEEP_FILE
        if not path.exists():
            others = [file.name for file in self.folder.iterdir()] if self.folder.is_dir() else []
            if self.folder.exists() and (others or not self.folder.is_dir()):
                raise ValueError(f"sweep: store={str(self.folder)!r} holds something else; give a folder of its own")
            _write(path, self.identity)
            return
        try:
            found = require_names(str(path), read_json(path.read_text(encoding="utf-8")), list(WORDS))
        except ValueError as error:
            raise ValueError(f"sweep: {path} is damaged ({error}); give another folder, or remove this one") from error
        differing = [word for name, word in WORDS.items() if found[name] != self.identity[name]]
        if differing:
            was = ", ".join(f"{WORDS[name]} {found[name]!r}" for name in ("function", "seed", "version"))
            raise ValueError(
                f"sweep: store={str(self.folder)!r} holds another sweep ({was}): the {' and the '.join(differing)} "
                f"differ{'s' if len(differing) == 1 else ''}; give another folder, or remove this one"
            )

    def read(self, points: Sequence[Point], seeds: Mapping[int, int]) -> dict[int, Outcome]:
        """What is finished already, by number; files that are damaged are named in a warning, and run again."""
        found = {}
        for point in points:
            path = self._locate(point)
            try:
                found[point.number] = _read(path, point, seeds.get(point.number))
            except FileNotFoundError:
                continue
            except (ValueError, TypeError) as error:
                warnings.warn(f"{path} is damaged ({error}); that point is run again", stacklevel=4)
        return found

    def write(self, point: Point, outcome: Outcome, seed: int | None) -> None:
        """Keep a finished point."""
        page = {
            "parameters": {name: encode(value) for name, value in point.parameters.items()},
            "results": {name: encode(value) for name, value in outcome.results.items()},
            "seed": seed,
            "seconds": round(outcome.seconds, 6),
        }
        _write(self._locate(point), page)

    def count_others(self, points: Sequence[Point]) -> int:
        """How many points lie here that are not of this grid."""
        ours = {self._locate(point).name for point in points}
        return sum(path.name not in ours for path in self.folder.glob("point-*.json"))

    def _locate(self, point: Point) -> Path:
        return self.folder / f"point-{point.key}.json"


def identify(function: Callable[..., Any], shared: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    """What tells a sweep from others, apart from its points."""
    return {
        "function": name_function(function),
        "source": digest_source(function),
        "shared": {name: fingerprint(value) for name, value in shared.items()},
        "seed": seed,
        "version": find_version(),
    }


def _write(path: Path, page: Mapping[str, Any]) -> None:
    with replacing(path) as aside:
        aside.write_text(json.dumps(page, indent=1) + "\n", encoding="utf-8")


def _read(path: Path, point: Point, seed: int | None) -> Outcome:
    page = require_names("it", read_json(path.read_text(encoding="utf-8")), NAMES)
    parameters, results, seconds = page["parameters"], page["results"], page["seconds"]
    if not isinstance(parameters, dict) or not isinstance(results, dict) or not isinstance(seconds, int | float):
        raise ValueError("its parameters and results are no objects, or its seconds no number")
    kept = Point(point.number, {name: decode(value) for name, value in parameters.items()})
    if kept.key != point.key or page["seed"] != seed:
        raise ValueError("it holds another point")
    return Outcome({name: simplify(decode(value)) for name, value in results.items()}, seconds=float(seconds))
