"""Tensors and a plain description in one safetensors file: of a kind, in a format, and with a checksum."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench.atomic import replacing
from workbench.exchange.foreign_files import name_foreign
from workbench.json_text import read_json, require_names, shorten
from workbench.validation import whole

FORMAT = 2
"""Raise it when files say something else or more; `older_formats` then says how to read those of today."""

TEXT = "workbench"
_NAMES = ("format", "kind", "checksum", "description")
_HERE = {
    "model": "a model: wb.load_model(path) reads it; name another file here",
    "stream": "a stream amid a recording: wb.load_stream(path, model) goes on with it; name another file here",
    "checkpoint": "a checkpoint of a training: wb.train(..., checkpoint=path) goes on with it; name another file here",
}
_CURES = {"checkpoint": "delete it to start anew"}

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""Type and shape of every tensor by name, as safetensors writes them: "F32", (3, 4)."""


class NewerFormatError(ValueError):
    """A file of a format that this version of the workbench does not know yet."""


@dataclass(frozen=True)
class TensorHeader:
    """What a file says before its tensors: `format` 1 where it was written before formats had numbers."""

    path: Path
    kind: str
    format: int
    description: dict[str, Any]
    layout: Layout
    checksum: str | None


def write_tensors(path: str | Path, kind: str, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and a plain description, whole or not at all.

    OSError where the disk does not take them, ValueError for a description that is not plain or not finite.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        checksum = find_checksum(kind, description, contiguous)
        text = _write_json({"format": FORMAT, "kind": kind, "checksum": checksum, "description": description})
        read_json(text)  # nothing is written that would not be read
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} was not written: what describes it is not plain data ({error}); mend it") from error
    with replacing(require_path(path)) as aside:
        aside.touch()
        rights = aside.stat().st_mode  # those that files have here; safetensors would keep it to its owner
        try:
            save_file(contiguous, aside, metadata={TEXT: text})
        except SafetensorError as error:
            raise OSError(f"{path} was not written ({error})") from error
        aside.chmod(rights)


def find_checksum(kind: str, description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """The BLAKE2b of format, kind, description and, by name, of type, shape and bytes of every tensor, 256 bits in hex.

    Each part is preceded by its length, so that none can be taken for another; the description is JSON without spaces,
    its names in their order.

    >>> find_checksum("model", {}, {"a": torch.zeros(1)}) == find_checksum("model", {}, {"a": torch.zeros(1, 1)})
    False
    """
    digest = hashlib.blake2b(digest_size=32)

    def add(part: Any) -> None:
        view = memoryview(part)
        digest.update(view.nbytes.to_bytes(8, "little"))
        digest.update(view)

    for words in (str(FORMAT), kind, _write_json(description)):
        add(words.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        for words in (name, str(tensor.dtype), str(tuple(tensor.shape))):
            add(words.encode())
        add(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def read_header(path: str | Path, kind: str) -> TensorHeader:
    """What a file of this kind says before its tensors, of which none is read.

    FileNotFoundError where there is no file; ValueError, with the cure, for the files of others, newer or damaged ones.
    """
    path = require_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; save a {kind} there first")
    foreign = name_foreign(path)
    if foreign is not None:
        raise ValueError(f"{path}: {foreign}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # it cannot be iterated
            layout = {name: (str(one.get_dtype()), tuple(one.get_shape())) for name, one in slices.items()}
    except SafetensorError as error:
        raise _refuse(path, kind, error) from error
    if TEXT not in metadata:
        raise ValueError(
            f"{path}: not a file of the workbench, but safetensors of another program; load it with "
            "safetensors.torch.load_file in the script that made it and give the module to wb.from_torch"
        )
    try:
        said = read_json(metadata[TEXT])
        if not isinstance(said, dict):
            raise ValueError(f"its description is of type {type(said).__name__}, not an object")
        if "format" not in said:  # as in files that were written before formats had numbers
            said = {"format": 1, "kind": "checkpoint" if "identity" in said else "model", "description": said}
        elif _require_format(path, said["format"]):
            require_names("its header", said, _NAMES)
        found, number, description = said["kind"], said["format"], said["description"]
        if not isinstance(description, dict):
            raise ValueError(f"its description is of type {type(description).__name__}, not an object")
    except NewerFormatError:
        raise
    except ValueError as error:
        raise _refuse(path, kind, error) from error
    if found != kind:
        told = _HERE[found] if isinstance(found, str) and found in _HERE else f"{shorten(found)}"
        raise ValueError(f"{path}: not a {kind} of the workbench, but {told}")
    return TensorHeader(path, kind, number, description, layout, said.get("checksum"))


def _require_format(path: Path, number: object) -> int:
    """The format of a file; ValueError for a newer one, and for what is no format."""
    if whole(number) is None or not isinstance(number, int) or number < 2:
        raise ValueError(f"format {shorten(number)}")
    if number > FORMAT:
        raise NewerFormatError(
            f"{path}: was written by a newer workbench (format {number}; this one reads up to {FORMAT}); update the "
            "workbench"
        )
    return number


def read_tensors(header: TensorHeader) -> dict[str, Tensor]:
    """The tensors of a file whose header was read; ValueError where they do not agree with its checksum."""
    try:
        with torch.inference_mode(False), safe_open(header.path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).clone() for name in header.layout}
    except SafetensorError as error:
        raise _refuse(header.path, header.kind, error) from error
    if header.format > 1 and find_checksum(header.kind, header.description, tensors) != header.checksum:
        raise ValueError(
            f"{header.path}: damaged: description and tensors do not agree with the checksum; copy the file again from "
            f"where it is whole, or {_CURES.get(header.kind, 'save it again')}"
        )
    return tensors


def _refuse(path: Path, kind: str, why: object) -> ValueError:
    """What is said of a file that is no file of the workbench, or no longer."""
    return ValueError(f"{path}: damaged, or not a file of the workbench ({why}); {_CURES.get(kind, 'save it again')}")


def _write_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


def require_path(path: object) -> Path:
    """The path; ValueError for what is none."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f'a file is named by its path, not by a {type(path).__name__}; give "model.safetensors"')
    return Path(path)
