"""Labels of data sets: what an item gives by indexing is the truth, through subsets, concatenations and transforms."""

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, random_split

import workbench as wb
from workbench.events.event_arrays import EVENTS

NAMES = ("zero", "one", "two", "three")


def spark(number):
    """Events that tell their number: so many of them."""
    events = np.zeros(number + 2, dtype=EVENTS)
    events["t"], events["x"] = np.arange(len(events)) * 10, np.arange(len(events)) % 8
    return events


class Digits:
    """Like the sets of tonic; `first` is the number of its first item."""

    sensor_size = (8, 8, 2)

    def __init__(self, count, first=0, classes=None, listed=True, target_transform=None, transforms=None):
        self.numbers, self.target_transform, self.transforms = range(first, first + count), target_transform, transforms
        if classes is not None:
            self.classes = classes
        if listed:
            self.targets = [number % 4 for number in self.numbers]

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, index):
        events, target = spark(self.numbers[index]), self.numbers[index] % 4
        if self.target_transform is not None:
            target = self.target_transform(target)
        if self.transforms is not None:
            events, target = self.transforms(events, target)
        return events, target


def found(dataset):
    """The name of the class of every item, by its number."""
    return {
        len(events) - 2: dataset.classes[label]
        for part in (dataset.train, dataset.test)
        for events, label in zip(part, part.labels, strict=True)
    }


CHANGES = {
    "none": (None, str),
    "parity": (lambda target: target % 2, lambda number: str(number % 4 % 2)),
    "shifted": (lambda target: target + 3, lambda number: str(number % 4 + 3)),
    "words": (lambda target: "even" if target % 2 == 0 else "odd", lambda n: "even" if n % 2 == 0 else "odd"),
    "booleans": (lambda target: target > 1, lambda number: str(number % 4 > 1)),
    "scalars of numpy": (lambda target: np.int64(target % 3), lambda number: str(number % 4 % 3)),
    "scalars of torch": (lambda target: torch.tensor(target % 3), lambda number: str(number % 4 % 3)),
}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("change", CHANGES)
def test_what_an_item_gives_is_its_label(seed, change):
    rng = np.random.default_rng(seed)
    transform, expected = CHANGES[change]
    named = bool(rng.integers(2)) and change == "none"
    classes = list(NAMES) if rng.integers(2) and not named else None
    options = {"classes": NAMES if named else classes if transform else None, "listed": bool(rng.integers(2))}
    if transform is not None and rng.integers(2):
        options["transforms"] = lambda events, target: (events, transform(target))
    else:
        options["target_transform"] = transform
    parts = [Digits(12, first=0, **options), Digits(9, first=12, **options)]
    whole = ConcatDataset([Subset(parts[0], rng.permutation(12).tolist()), parts[1]])
    some = Subset(whole, rng.permutation(len(whole))[:17].tolist())
    numbers = {len(some[i][0]) - 2 for i in range(len(some))}
    wanted = {n: NAMES[n % 4] if named else str(n % 4) if transform is None else expected(n) for n in numbers}
    assert found(wb.load(some)) == wanted
    assert found(wb.load(tuple(random_split(some, [0.5, 0.5], torch.Generator().manual_seed(seed))))) == wanted


def test_listed_targets_that_items_contradict_are_not_believed():
    class Mended(Digits):
        def __getitem__(self, index):
            events, target = super().__getitem__(index)
            return events, 3 if index == 5 else target

    wrong = Mended(16, classes=NAMES)
    assert found(wb.load(wrong)) == {n: "3" if n == 5 else str(n % 4) for n in range(16)}
    assert found(wb.load(Subset(wrong, range(16)))) == found(wb.load(wrong))
    right = Subset(wrong, [0, 1, 2, 3, 4, 6, 7, 8, 9])
    assert set(found(wb.load(right)).values()) == set(NAMES)


def test_a_wrapper_of_ones_own_is_looked_through():
    class Odd:
        def __init__(self, dataset):
            self.dataset = dataset

        def __len__(self):
            return len(self.dataset)

        def __getitem__(self, index):
            events, target = self.dataset[index]
            return events, target % 2

    assert found(wb.load(Odd(Digits(12, classes=NAMES)))) == {n: str(n % 2) for n in range(12)}


def test_parts_that_do_not_go_together_are_refused():
    class Wide(Digits):
        sensor_size = (9, 8, 2)

    with pytest.raises(ValueError, match=r"the parts of the data set differ in sensor_size: .*; give parts of one set"):
        wb.load(ConcatDataset([Digits(8), Wide(8)]))
    with pytest.raises(ValueError, match=r"name their classes differently: .*; load them one by one, or give them"):
        wb.load(ConcatDataset([Digits(8, classes=NAMES), Digits(8, classes=NAMES[::-1])]))
    with pytest.raises(ValueError, match=r"name their classes differently: .*no names"):
        wb.load((Digits(8, classes=NAMES), Digits(8)))
    with pytest.raises(ValueError, match=r"DataLoader is no data set; .*"):
        wb.load(DataLoader(Digits(8)))


def test_an_item_that_cannot_be_read_has_the_target_that_is_listed_or_none():
    class Torn(Digits):
        def __getitem__(self, index):
            if index in (3, 6):
                raise OSError("torn")
            return super().__getitem__(index)

    for listed in (True, False):
        torn = Torn(16, classes=NAMES, listed=listed)
        with pytest.raises(ValueError, match=r"Torn\[[36]\] cannot be read \(OSError: torn\); mend the file"):
            wb.load(torn)
        with pytest.warns(UserWarning, match="2 of 16 recordings are damaged and left out"):
            dataset = wb.load(torn, on_error="skip")
        assert found(dataset) == {n: NAMES[n % 4] for n in range(16) if n not in (3, 6)}


@pytest.mark.parametrize("target", [None, {"boxes": []}, [1, 2], np.arange(3), torch.ones(2)], ids=repr)
def test_targets_that_are_no_classes_are_refused(target):
    with pytest.raises(ValueError, match=r"Digits: its targets are no classes|Digits: an item is no pair"):
        wb.load(Digits(8, target_transform=lambda _: target))


def test_what_is_no_pair_is_refused():
    class Alone(Digits):
        def __getitem__(self, index):
            return super().__getitem__(index)[0]

    with pytest.raises(ValueError, match=r"Alone: an item is no pair \(events, target\); such sets have no classes"):
        wb.load(Alone(8))
