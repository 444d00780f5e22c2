"""What training reaches: `python -m benchmarks.learning --data FOLDER` writes its part of docs/results.md.

Settings are chosen by cross-validation on training recordings (`--choose`), and the test part is run once at the end.
What was measured is kept in build/learning, one file a training; what is there is not trained again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import workbench as wb
from workbench.atomic import replacing
from workbench.network.architectures import shortcut_network

KEPT = Path(__file__).parents[1] / "build" / "learning"
FOLDS = 4
MOVES = [
    wb.transforms.Shift(3), wb.transforms.Rotate(12), wb.transforms.Scale(0.12), wb.transforms.Drop(0.1)
]  # fmt: skip
SMALL_MOVES = [wb.transforms.Shift(2), wb.transforms.Rotate(5), wb.transforms.Scale(0.08), wb.transforms.Drop(0.1)]


@dataclass(frozen=True)
class Setting:
    """How a network is trained, by name."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


PLAIN = Setting("plain", {"epochs": 40})
CANDIDATES = [
    PLAIN,
    Setting("smoothed", {"epochs": 80, "label_smoothing": 0.1}),
    Setting("small moves", {"epochs": 80, "label_smoothing": 0.1, "augment": SMALL_MOVES}),
    Setting("moves", {"epochs": 80, "label_smoothing": 0.1, "augment": MOVES}),
    Setting("moves, averaged", {"epochs": 80, "label_smoothing": 0.1, "augment": MOVES, "average": 0.98}),
    Setting("moves, dropout", {"epochs": 80, "label_smoothing": 0.1, "augment": MOVES, "dropout": 0.1}),
    Setting("moves, cut out", {"epochs": 80, "label_smoothing": 0.1, "augment": [*MOVES, wb.transforms.CutOut(8)]}),
]


def main() -> None:
    """Choose, or measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", metavar="FOLDER", help="N-MNIST recordings to learn")
    parser.add_argument("--choose", action="store_true", help="cross-validate the candidates, and print them")
    options = parser.parse_args()
    if options.choose:
        for name, dataset in _sets(options.data).items():
            for setting in CANDIDATES:
                print(f"{name:10} {setting.name:20} {100 * cross_validate(dataset.train, setting):.2f} %", flush=True)


def _sets(data: str | None) -> dict[str, wb.Dataset]:
    found = {"n-mnist": wb.load("n-mnist", root=data)} if data else {}
    return found | {"motion": take_first(wb.load("motion"), 400), "digits": wb.load("digits")}


def take_first(dataset: wb.Dataset, count: int) -> wb.Dataset:
    """A data set of which so many recordings are learned, the same number of every class, drawn by seed 0."""
    if count >= len(dataset.train):
        return dataset
    part, _ = dataset.train.split(count / len(dataset.train), seed=0)
    return wb.Dataset(dataset.name, part, dataset.test, f"{dataset.split}; {len(part)} of them to learn")


def cross_validate(recordings: wb.Recordings, setting: Setting, seed: int = 0) -> float:
    """The accuracy at the last frame on recordings that were held back, each once, in `FOLDS` folds."""
    folds = np.random.default_rng(seed).permutation(len(recordings)) % FOLDS
    right = 0.0
    for fold in range(FOLDS):
        held_back = recordings[folds == fold]
        part = wb.Dataset(recordings.name, recordings[folds != fold], held_back, f"fold {fold} of {FOLDS}")
        name = f"{recordings.name}, {setting.name}, fold {fold}"
        right += len(held_back) * remember(name, setting, lambda part=part: _train(part, setting, seed)[1])["accuracy"]
    return right / len(recordings)


def _train(dataset: wb.Dataset, setting: Setting, seed: int) -> tuple[wb.Model, dict[str, float]]:
    """The network of notebook 02, trained, and what it answers on the test part."""
    network = shortcut_network(dataset.shape, len(dataset.classes)).streaming()
    ann, _ = wb.train(wb.Model(network, seed=seed), dataset, progress=False, seed=seed, **setting.options)
    return ann, wb.evaluate(ann, dataset, progress=False)


def remember(name: str, setting: Setting, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What was measured under this name with this setting, in build/learning; measured now where it was not."""
    digest = hashlib.blake2b(f"{name} {setting.options}".encode(), digest_size=8).hexdigest()
    path = KEPT / f"{digest}.json"
    if not path.exists():
        with replacing(path) as aside:
            aside.write_text(json.dumps({"name": name, "setting": str(setting.options), "found": measure()}))
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["found"]
    return found


if __name__ == "__main__":
    main()
