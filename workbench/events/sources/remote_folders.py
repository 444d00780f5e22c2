"""Recordings behind a URL: sorted in folders by class as those of a folder here, and copied while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from workbench.events.event_arrays import Events
from workbench.events.formats import FORMATS
from workbench.events.formats.read_options import ReadOptions, Remarks
from workbench.events.formats.registry import HEAD, is_head_of_note
from workbench.events.remote_files import CopiesAhead, RemoteFolder, naming, tell_version
from workbench.events.sources.clips import Clip, Collection, clip_file
from workbench.events.sources.folder_tree import FolderTree, is_debris, natural_key
from workbench.events.sources.folders import collect_tree
from workbench.events.sources.splits import Split

TABLES = {suffix for known in FORMATS if known.last_resort for suffix in known.suffixes}
MARKED = {suffix for known in FORMATS if not known.last_resort for suffix in known.suffixes}


def collect_url(url: str, split: Split = None, seed: int = 0) -> Collection:
    """The recordings below a URL, at any depth: a folder a class, or folders train and test that hold those.

    A recording is a file that ends as one. Each is copied when it is read, with the next ones beside it, and removed
    after that; what is kept of it is known by its version, where the file system tells one. Raises what
    `RemoteFolder` and `folders.collect` do.
    """
    remote = RemoteFolder(url)
    about = {name: facts for name, facts in remote.list_files().items() if not any(map(is_debris, name.parts))}
    names = sorted(about, key=lambda name: natural_key(Path(name)))
    root = Path(remote.root)
    tree = FolderTree(root, {root / name: str(root / name) for name in names}, {}, (), _list_folders(root, names))
    recordings = [name for name in names if _is_recording(remote, name)]
    copies = CopiesAhead(remote, list(map(str, recordings)))

    def make_clip(path: Path, label: int) -> Clip:
        name = path.relative_to(root).as_posix()
        where = f"{remote.url}/{name}"
        return _clip_copy(copies, name, where, label, tell_version(where, about[PurePosixPath(name)]))

    with naming(root, remote.url):
        found = collect_tree(tree, root.name or "set", map(root.joinpath, recordings), make_clip, split, seed)
    unknown = sum(clip.stamp is None for clip in (*found.train, *found.test))
    words = f"; {unknown:,} recordings carry no version at {url}, so that nothing is kept of them" if unknown else ""
    return replace(found, divided=found.divided + words, close=copies.close)


def _list_folders(root: Path, names: list[PurePosixPath]) -> tuple[Path, ...]:
    inside = {root / folder for name in names for folder in name.parents if folder.parts}
    return tuple(sorted(inside, key=natural_key))


def _is_recording(remote: RemoteFolder, name: PurePosixPath) -> bool:
    """Whether a file ends as a recording; of tables, which may be notes, the beginning is looked at."""
    suffix = name.suffix.lower()
    return suffix in MARKED or (suffix in TABLES and not is_head_of_note(remote.read_head(str(name), HEAD)))


def _clip_copy(copies: CopiesAhead, name: str, where: str, label: int, stamp: str | None) -> Clip:
    """The clip that is a file behind a URL."""

    def blocks(options: ReadOptions, remarks: Remarks) -> Iterator[Events]:
        with copies.take(name) as path:
            yield from clip_file(path, label).blocks(options, remarks)

    def sensor() -> tuple[int, int] | None:
        with copies.take(name) as path:
            known = clip_file(path, label).file_sensor
            return known() if known else None

    return Clip(where, label, blocks, False, stamp, sensor)
