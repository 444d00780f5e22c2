"""Where a data set lies on disk, and the error when it is not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Location:
    """How the folder of a data set is recognised, and what a person needs to know who does not have it."""

    name: str  # as it is loaded: n-mnist
    title: str  # as people write it: N-MNIST
    layout: str  # the files it needs, as a path with <placeholders>
    contains: Callable[[Path], bool]  # whether a folder holds some of them
    recordings: int  # of the whole set
    size: str  # of the whole set, unpacked
    url: str
    tonic: str | None  # the class of tonic.datasets that can fetch it

    def find(self, root: Path) -> Path:
        """The folder of the set: ``root`` itself, or a folder in it that is called like the set, in any spelling.

        Raises FileNotFoundError, saying what is expected where and how to get it, and ValueError for several.
        """
        candidates = [path for path in (root, *self._named(root)) if path.is_dir() and self.contains(path)]
        if not candidates:
            raise FileNotFoundError(
                f"no {self.title} in {root.absolute()}; give root=, a folder with {self.layout}, in it or in a folder "
                f"{self.title.replace('-', '')} (or {self.title}...) in it. {self._cure(root)}"
            )
        if len(candidates) > 1 and candidates[0] != root:
            names = ", ".join(path.name for path in candidates)
            raise ValueError(f"{root} holds several: {names}; give one of them as root")
        return candidates[0]

    def fetch(self, root: Path) -> None:
        """Let tonic download the set into ``root``. Raises ValueError when tonic does not know it.

        Raises ImportError where tonic is not installed.
        """
        if self.tonic is None:
            raise ValueError(f"tonic cannot download {self.title}; get it from {self.url}")
        try:
            import tonic.datasets
        except ImportError as error:
            raise ImportError(
                f"download=True lets the package tonic fetch {self.title}; pip install 'spiking-workbench[tonic]', or "
                f"get it from {self.url}"
            ) from error
        known = getattr(tonic.datasets, self.tonic)
        if self.tonic == "CIFAR10DVS":
            known(save_to=str(root))
        else:
            for train in (True, False):
                known(save_to=str(root), train=train)

    def _named(self, root: Path) -> list[Path]:
        wanted = normalize_name(self.title)
        inside = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        return [path for path in inside if wanted in normalize_name(path.name)]

    def _cure(self, root: Path) -> str:
        whole = f"The whole set has {self.recordings:,} recordings, {self.size}; a part of it will do"
        if self.tonic is None:
            return f"{whole}. It is at {self.url}; tonic cannot download it"
        fetch = f"load({self.name!r}, {str(root)!r}, download=True)"
        return f"{whole}. Tonic ({self.tonic}) fetches it when asked: {fetch}; it is at {self.url}"


def normalize_name(name: str) -> str:
    """A name without case, punctuation and digits at its end, to compare spellings.

    >>> normalize_name("N-MNIST-500"), normalize_name("Prophesee_Dataset_n_cars"), normalize_name("DvsGesture")
    ('nmnist', 'propheseedatasetncars', 'dvsgesture')
    """
    return re.sub("[^a-z0-9]", "", name.lower()).rstrip("0123456789")
