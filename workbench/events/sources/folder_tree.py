"""What lies in a folder and below it, through links, without hidden files and those of operating systems."""

from __future__ import annotations

import os
import re
import unicodedata
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

DEBRIS = frozenset(
    {"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "lost+found", "@eadir"}
)
"""What operating systems leave behind, in small letters; what begins with a dot is hidden, and debris as well."""


@dataclass(frozen=True)
class FolderTree:
    """What lies in a folder and below it: ordinary files, each once, and paths that are none.

    ``files`` maps paths, in the order of the numbers in them, to the real paths behind all links; ``repeated`` does so
    for further paths of the same files and folders, but for links to a folder that they lie in themselves; ``others``
    are broken links, pipes, devices and sockets; ``folders`` are those below the root, each once.
    """

    root: Path
    files: dict[Path, str]
    repeated: dict[Path, str]
    others: tuple[Path, ...]
    folders: tuple[Path, ...]

    def describe_unread(self, read: Collection[Path], left_out: Sequence[Path], layout: str) -> str:
        """What a split says of the files that are not ``read``; of the recordings ``left_out`` a warning says it too.

        "" where all are read. The ``layout`` says where recordings should lie.
        """
        words = ""
        if left_out:
            count = f"{len(left_out):,} recording{'s are' if len(left_out) > 1 else ' is'} not read"
            where = count_by_folder(left_out, self.root)
            words += f"; {count}: {where}"
            warnings.warn(f"{self.root}: {count}, because of where they lie: {where}; give {layout}", stacklevel=5)
        others = len(self.files) + len(self.others) - len(read) - len(left_out)
        words += f"; {others:,} other files are not read" if others else ""
        return words + (f"; {len(self.repeated):,} further links to the same files" if self.repeated else "")


def scan_folder(folder: Path) -> FolderTree:
    """The tree below a folder, through links, each folder once. Raises OSError for one that cannot be read.

    Hidden files and folders, and debris, are not looked at.
    """
    found: list[tuple[bool, Path, str]] = []
    others: list[Path] = []
    repeated: dict[Path, str] = {}
    waiting, entered = [(False, folder, os.path.realpath(folder))], dict[str, Path]()
    while waiting:
        linked, here, real_here = waiting.pop(0)
        if real_here in entered:
            above = Path(os.path.realpath(here.parent))
            if Path(real_here) not in (above, *above.parents):
                repeated[here] = real_here
            continue
        entered[real_here] = here
        with os.scandir(here) as entries:
            visible = [entry for entry in entries if not is_debris(entry.name)]
        for entry in visible:
            path, is_link = here / entry.name, entry.is_symlink()
            real = os.path.realpath(path) if is_link else os.path.join(real_here, entry.name)
            if os.path.isdir(path) if is_link else entry.is_dir():
                waiting.append((linked or is_link, path, real))
            elif os.path.isfile(path) if is_link else entry.is_file():
                found.append((linked or is_link, path, real))
            else:
                others.append(path)
        waiting.sort(key=lambda place: place[0])  # what is reached without a link is called by that path
    found.sort(key=lambda place: natural_key(place[1].relative_to(folder)))
    first: dict[str, Path] = {}
    for _, path, real in sorted(found, key=lambda place: place[0]):
        first.setdefault(real, path)
    once = {path: real for _, path, real in found if first[real] is path}
    repeated |= {path: real for _, path, real in found if first[real] is not path}
    inside = sorted((path for path in entered.values() if path != folder), key=natural_key)
    return FolderTree(folder, once, repeated, tuple(sorted(others)), tuple(inside))


def folders(folder: Path) -> list[Path]:
    """The folders in one, in the order of the numbers in their names; hidden ones and debris are not looked at."""
    return sorted((path for path in folder.iterdir() if path.is_dir() and not is_debris(path.name)), key=natural_key)


def files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files in a folder that end so, in the order of the numbers in their names; hidden ones are not looked at."""
    found = (path for path in folder.iterdir() if path.is_file() and not is_debris(path.name))
    return sorted((path for path in found if path.suffix.lower() in suffixes), key=natural_key)


def is_debris(name: str) -> bool:
    """Whether a name is hidden, or one that operating systems leave behind.

    >>> [is_debris(name) for name in ("._1.npy", "__MACOSX", "Thumbs.db", "cars")]
    [True, True, True, False]
    """
    return name.startswith(".") or name.casefold() in DEBRIS


def class_name(name: str) -> str:
    """The name of a class as its folder is called, in composed characters: macOS takes them apart, others do not.

    >>> class_name("cafe\u0301") == class_name("caf\u00e9")
    True
    """
    return unicodedata.normalize("NFC", name)


def natural_key(name: str | Path) -> list[list[tuple[int, str]]]:
    """A key that sorts paths by their parts, and the numbers in these as numbers.

    >>> sorted(["10", "9", "a2", "a10", "1"], key=natural_key)
    ['1', '9', '10', 'a2', 'a10']
    """
    parts = [re.split(r"(\d+)", class_name(part)) for part in Path(name).parts]
    return [[(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in part] for part in parts]


def count_by_folder(paths: Iterable[Path], root: Path) -> str:
    """How many of these paths lie in which folder, the first below the root, in words.

    >>> count_by_folder([Path("set/val/cat/1.npy"), Path("set/val/2.npy"), Path("set/3.npy")], Path("set"))
    '2 in val, 1 in set itself'
    """
    counts: dict[str, int] = {}
    for path in paths:
        first, *inside = path.relative_to(root).parts
        place = first if inside else f"{root.name} itself"
        counts[place] = counts.get(place, 0) + 1
    return ", ".join(f"{count:,} in {folder}" for folder, count in counts.items())
