"""Where the numbers of a model come from: the seed that drew them, and the trainings that changed them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workbench.validation import hold_whole, require_seed


@dataclass(frozen=True)
class TrainingRecord:
    """One training that a model has had.

    `verb` is "wb.train" or "wb.fine_tune"; `recordings` how the data set is called, `split` how it was divided, in
    words, and `version` a fingerprint of the events and labels that were learned: that of another version of a data set
    is another one. `epochs` that were done, the `seed` of their order, and what differed from a plain training, in
    words, or None. ValueError for fields that say something else.

    >>> TrainingRecord("wb.train", "digits", "generated", "5f0c", epochs=80, seed=0)
    TrainingRecord(verb='wb.train', recordings='digits', split='generated', version='5f0c', epochs=80, seed=0, \
recipe=None)
    """

    verb: str
    recordings: str
    split: str
    version: str
    epochs: int
    seed: int
    recipe: str | None = None

    def __post_init__(self) -> None:
        hold_whole(self, "epochs", least=0)
        object.__setattr__(self, "seed", require_seed(self.seed))


@dataclass(frozen=True)
class Provenance:
    """Where the numbers of a model come from: the `seed` that drew the first ones, and its `trainings` in order.

    None where nobody knows the seed, as of models in files of older versions.

    >>> Provenance(3).trained(TrainingRecord("wb.train", "digits", "", "5f0c", epochs=2, seed=0)).trainings[0].epochs
    2
    """

    seed: int | None = None
    trainings: tuple[TrainingRecord, ...] = ()

    def __post_init__(self) -> None:
        if self.seed is not None:
            object.__setattr__(self, "seed", require_seed(self.seed))

    def trained(self, record: TrainingRecord) -> Provenance:
        """The same, with one more training."""
        return replace(self, trainings=(*self.trainings, record))
