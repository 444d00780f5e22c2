"""Recordings of your own: files sorted in folders by class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.events.formats import FORMATS
from workbench.events.formats.registry import begins_as_recording, is_note
from workbench.events.sources.clips import Clip, Collection, clip_file
from workbench.events.sources.folder_tree import FolderTree, class_name, natural_key, scan_folder
from workbench.events.sources.location import normalize_name
from workbench.events.sources.splits import Split, divide, require_official

PARTS = {"train": ("train", "training"), "test": ("test", "testing")}
SUFFIXES = tuple(sorted({suffix for known in FORMATS for suffix in known.suffixes}))
NAMED = 8  # folders that are named in a message
LAYOUT = "<class>/<recording>, or train/<class>/<recording> and test/<class>/<recording>"


def collect(root: Path, split: Split = None, seed: int = 0) -> Collection:
    """The recordings in ``root``, at any depth: a folder a class, or folders train and test that hold those.

    Where there are folders train and test, above the classes or in them, they decide; else four fifths of every class
    train, drawn by ``seed``, or as ``split`` says. Links are followed, and a file is one recording however often it is
    linked. A recording is a file that ends as one, or begins as one. What lies elsewhere is left out, which the split
    says and, for recordings, and for files alone in the folder of a class, a warning. Raises FileNotFoundError when
    there is no such folder and ValueError when it is no data set, or a file is in two classes or parts.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root.absolute()} is no folder; give one with {LAYOUT}")
    tree = scan_folder(root)
    return collect_tree(tree, root.absolute().name, filter(_is_recording, tree.files), clip_file, split, seed)


def collect_tree(
    tree: FolderTree,
    name: str,
    recordings: Iterable[Path],
    make_clip: Callable[[Path, int], Clip],
    split: Split,
    seed: int,
) -> Collection:
    """The clips of those files of a tree that are recordings, by the folders they lie in."""
    root = tree.root
    found = [_classify(path, root) for path in recordings]
    chosen = _choose(root, found)
    if not chosen:
        raise ValueError(_describe_nothing_found(root))
    _refuse_two_places(tree, chosen)
    _refuse_one_folder(root, chosen)
    classes = tuple(sorted({one.kind for one in chosen}, key=natural_key))
    clips = {one: make_clip(one.path, classes.index(one.kind)) for one in chosen}
    if any(one.part for one in chosen):
        require_official(split, str(root))
        train, test = (tuple(clip for one, clip in clips.items() if one.part == part) for part in PARTS)
        words = "folders train and test"
        _warn_of_classes_not_trained(root, classes, train)
    else:
        train, test, words = divide(list(clips.values()), split, seed)
    left_out = [one.path for one in found if one not in clips]
    words += _describe_empty_folders(tree, found) + tree.describe_unread([one.path for one in clips], left_out, LAYOUT)
    return Collection(name, classes, train, test, words)


@dataclass(frozen=True)
class _Recording:
    """A file, the part and the class by its folders ("" where they do not), and whether it lies below both."""

    path: Path
    part: str
    kind: str


def _classify(path: Path, root: Path) -> _Recording:
    """Part and class by the folders between root and file: <part>/<class>, <class>/<part> or <class> alone."""
    above = path.relative_to(root).parts[:-1]
    parts = [_part(folder) for folder in above[:2]]
    if len(above) >= 2 and parts[0]:
        return _Recording(path, parts[0], class_name(above[1]))
    part = parts[1] if len(above) >= 2 else ""
    return _Recording(path, part, class_name(above[0]) if above else "")


def _part(folder: str) -> str:
    return next((part for part, names in PARTS.items() if normalize_name(folder) in names), "")


def _choose(root: Path, found: list[_Recording]) -> list[_Recording]:
    """The recordings that are of the set: all in a class, and in a part where there are parts."""
    parts = {one.part for one in found if one.kind} - {""}
    if len(parts) == 1:
        (part,) = parts
        other = "test" if part == "train" else "train"
        example = next(one.path for one in found if one.part == part)
        raise ValueError(
            f"{root} has a folder {part} ({example}), but none to {other}; add it, or give the one part alone as the"
            " folder, which is then divided"
        )
    return [one for one in found if one.kind and bool(one.part) == bool(parts)]


def _is_recording(path: Path) -> bool:
    """Whether a file ends as a recording, unless it is a note beside some, or begins as one."""
    if path.suffix.lower() in SUFFIXES:
        return not is_note(path)
    return begins_as_recording(path)


def _refuse_two_places(tree: FolderTree, chosen: list[_Recording]) -> None:
    """ValueError for a file that links, its own or a folder's, put into two classes, or into both parts."""
    for link, target in tree.repeated.items():
        for one in chosen:
            real = tree.files[one.path]
            if real == target or real.startswith(target + os.sep):
                again = _classify(link / os.path.relpath(real, target), tree.root)
                if (one.part, one.kind) != (again.part, again.kind):
                    raise ValueError(
                        f"{again.path} and {one.path} are one file in two classes or parts; take one of them out"
                    )


def _refuse_one_folder(root: Path, chosen: list[_Recording]) -> None:
    """ValueError where all would be of one class, though there are folders in it that look like the classes."""
    inside = {one.path.parent for one in chosen}
    if len({one.kind for one in chosen}) == 1 and len(inside) > len({one.part for one in chosen}):
        kind, names = (
            chosen[0].kind,
            ", ".join(sorted({str(path.relative_to(root)) for path in inside}, key=natural_key)),
        )
        raise ValueError(
            f"{root} has all its recordings in folders of one class, {kind} ({names}); if the classes are deeper down,"
            " give the folder that holds them"
        )


def _describe_empty_folders(tree: FolderTree, found: list[_Recording]) -> str:
    """What a split says of folders in the place of a class or a part that hold no recording.

    Of those that hold something else a warning says it too.
    """
    filled = {folder for one in found for folder in one.path.parents}
    empty = [folder for folder in tree.folders if folder not in filled and _is_place(folder.relative_to(tree.root))]
    used = {folder for path in (*tree.files, *tree.others) for folder in path.parents}
    words = _count_folders(tree.root, [folder for folder in empty if folder in used])
    if words:
        warnings.warn(f"{tree.root}: {words}, and no class is made of it", stacklevel=5)
    return "; " + _count_folders(tree.root, empty) if empty else ""


def _count_folders(root: Path, empty: list[Path]) -> str:
    names = [str(folder.relative_to(root)) for folder in empty[:NAMED]]
    more = f" and {len(empty) - NAMED:,} more" if len(empty) > NAMED else ""
    count = "1 folder holds" if len(empty) == 1 else f"{len(empty):,} folders hold"
    return f"{count} no recording ({', '.join(names)}{more})" if empty else ""


def _is_place(folder: Path) -> bool:
    return len(folder.parts) == 1 or (len(folder.parts) == 2 and bool(_part(folder.parts[0])))


def _warn_of_classes_not_trained(root: Path, classes: tuple[str, ...], train: tuple[Clip, ...]) -> None:
    missing = sorted(set(range(len(classes))) - {clip.label for clip in train})
    if missing:
        names = ", ".join(classes[label] for label in missing)
        warnings.warn(f"{root} has no recording of {names} to train, only to test", stacklevel=5)


def _describe_nothing_found(folder: Path) -> str:
    return (
        f"{folder} is no data set: no folder in it holds recordings; give a folder with {LAYOUT}, in files "
        f"{', '.join(SUFFIXES)}"
    )
