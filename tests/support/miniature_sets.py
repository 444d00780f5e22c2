"""The data sets of the paper in small, written in their own layouts: each class is a bar at a place of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.support import event_writers as writers

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
Rows = list[tuple[int, int, int, int]]


def draw(label: int, classes: int, sensor: tuple[int, int], begin_us: int, end_us: int, seed: list[int]) -> Rows:
    """Events (x, y, t, p) of a bar whose place is the class, and some anywhere."""
    rng, (height, width) = np.random.default_rng(seed), sensor
    count = 300
    y = rng.integers(0, height, count)
    x = (width * (label + 0.5) / classes + rng.normal(0, width / classes / 6, count)).astype(int)
    noise = rng.random(count) < 0.1
    x = np.where(noise, rng.integers(0, width, count), x).clip(0, width - 1)
    times = np.sort(rng.integers(begin_us, end_us, count))
    return [tuple(map(int, row)) for row in zip(x, y, times, rng.integers(0, 2, count), strict=True)]


def put(path: Path, data: bytes) -> None:
    """Write a file in a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def fill_nmnist(root: Path, train: int = 4, test: int = 2) -> None:
    """So many recordings of every digit."""
    for part, count in (("Train", train), ("Test", test)):
        for digit in range(10):
            for i in range(count):
                events = draw(digit, 10, (34, 34), 0, 300_000, [digit, i, count])
                put(root / part / str(digit) / f"{i:05d}.bin", writers.nmnist(events))


def fill_cifar10dvs(root: Path, train: int = 5, test: int = 0) -> None:
    """So many recordings of every class, of which a split takes some to test."""
    for label, name in enumerate(CIFAR_CLASSES):
        for i in range(train + test):
            events = draw(label, 10, (128, 128), 0, 1_300_000, [label, i])
            put(root / name / f"cifar10_{name}_{i}.aedat", writers.aedat2(events))


def fill_ncars(root: Path, train: int = 12, test: int = 5) -> None:
    """So many recordings of cars and of the background, of several sizes."""
    for part, count in (("n-cars_train", train), ("n-cars_test", test)):
        for label, name in enumerate(("background", "cars")):
            for i in range(count):
                events = draw(label, 2, (60 + i, 70 + 2 * i), 0, 100_000, [label, i, count])
                put(root / part / name / f"obj_{i:06d}_td.dat", writers.dat(events))


def fill_gestures(root: Path, train: int = 2, test: int = 1) -> None:
    """Long files of so many people, in each of which every gesture is made for three seconds: two slices."""
    users = {"trials_to_train.txt": range(1, train + 1), "trials_to_test.txt": range(train + 1, train + test + 1)}
    for list_name, numbers in users.items():
        names = []
        for user in numbers:
            rows, events = ["class,startTime_usec,endTime_usec"], []
            for label in range(11):
                begin = 1_000_000 + label * 4_000_000
                rows.append(f"{label + 1},{begin},{begin + 3_000_000}")
                for half in range(2):
                    first = begin + half * 1_500_000
                    events += draw(label, 11, (128, 128), first, first + 1_500_000, [label, user, half])
            put(root / f"user{user:02d}_led.aedat", writers.aedat3(events))
            put(root / f"user{user:02d}_led_labels.csv", ("\n".join(rows) + "\n").encode())
            names.append(f"user{user:02d}_led.aedat")
        put(root / list_name, ("\n".join(names) + "\n").encode())


FILL: dict[str, Callable[[Path], None]] = {
    "n-mnist": fill_nmnist, "cifar10-dvs": fill_cifar10dvs, "n-cars": fill_ncars, "dvs-gesture": fill_gestures,
}  # fmt: skip
