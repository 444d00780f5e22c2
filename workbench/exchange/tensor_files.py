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
from workbench.json_text import read_json

FORMAT = 2
"""Raise it when files say something else or more; `older_formats` then says how to read those of today."""

TEXT = "workbench"
KIND, NUMBER, CHECKSUM = f"{TEXT}.kind", f"{TEXT}.format", f"{TEXT}.checksum"
_HERE = {
    "model": "a model: wb.load_model(path) reads it; name another file here",
    "checkpoint": "a checkpoint of a training: wb.train(..., checkpoint=path) goes on with it; name another file here",
}
_CURES = {"checkpoint": "delete it to start anew"}

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""Type and shape of every tensor by name, as safetensors writes them: "F32", (3, 4)."""


@dataclass(frozen=True)
class TensorHeader:
    """What a file says before its tensors: `format` 1 where it was written before formats had numbers."""

    path: Path
    kind: str
    format: int
    description: dict[str, Any]
    layout: Layout
    text: str
    checksum: str | None


def write_tensors(path: str | Path, kind: str, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and a plain description, whole or not at all.

    OSError where the disk does not take them, ValueError for a description that is not plain or not finite.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        text = json.dumps(description, allow_nan=False, separators=(",", ":"))
        read_json(text)  # nothing is written that would not be read
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} was not written: what describes it is not plain data ({error}); mend it") from error
    metadata = {TEXT: text, KIND: kind, NUMBER: str(FORMAT), CHECKSUM: find_checksum(kind, text, contiguous)}
    with replacing(require_path(path)) as aside:
        aside.touch()
        rights = aside.stat().st_mode  # those that files have here; safetensors would keep it to its owner
        try:
            save_file(contiguous, aside, metadata=metadata)
        except SafetensorError as error:
            raise OSError(f"{path} was not written ({error})") from error
        aside.chmod(rights)


def find_checksum(kind: str, text: str, tensors: Mapping[str, Tensor]) -> str:
    """The BLAKE2b of format, kind, description and, by name, of type, shape and bytes of every tensor, 256 bits in hex.

    Each part is preceded by its length, so that none can be taken for another.

    >>> find_checksum("model", "{}", {"a": torch.zeros(1)}) == find_checksum("model", "{}", {"a": torch.zeros(1, 1)})
    False
    """
    digest = hashlib.blake2b(digest_size=32)

    def add(part: Any) -> None:
        view = memoryview(part)
        digest.update(view.nbytes.to_bytes(8, "little"))
        digest.update(view)

    for words in (str(FORMAT), kind, text):
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
    number = _require_format(path, kind, metadata)
    try:
        description = read_json(metadata[TEXT])
        if not isinstance(description, dict):
            raise ValueError(f"its description is of type {type(description).__name__}, not an object")
    except ValueError as error:
        raise _refuse(path, kind, error) from error
    found = metadata[KIND] if number > 1 else "checkpoint" if "identity" in description else "model"
    if found != kind:
        raise ValueError(f"{path}: not a {kind} of the workbench, but {_HERE.get(found, f'a {found!r:.40}')}")
    return TensorHeader(path, kind, number, description, layout, metadata[TEXT], metadata.get(CHECKSUM))


def _require_format(path: Path, kind: str, metadata: Mapping[str, str]) -> int:
    """The format of a file; ValueError for a newer one, and where any of what a file of today has is missing."""
    if set(metadata) == {TEXT}:
        return 1
    if set(metadata) != {TEXT, KIND, NUMBER, CHECKSUM}:
        wrong = sorted({TEXT, KIND, NUMBER, CHECKSUM} ^ set(metadata))
        raise _refuse(path, kind, f"its header has too little or too much of {', '.join(map(repr, wrong))}")
    text = metadata[NUMBER]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and text[0] != "0"):
        raise _refuse(path, kind, f"format {text!r:.40}")
    if int(text) > FORMAT:
        raise ValueError(
            f"{path}: was written by a newer workbench (format {int(text)}; this one reads up to {FORMAT}); update the "
            "workbench"
        )
    return int(text)


def read_tensors(header: TensorHeader) -> dict[str, Tensor]:
    """The tensors of a file whose header was read; ValueError where they do not agree with its checksum."""
    try:
        with torch.inference_mode(False), safe_open(header.path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).clone() for name in header.layout}
    except SafetensorError as error:
        raise _refuse(header.path, header.kind, error) from error
    if header.format > 1 and find_checksum(header.kind, header.text, tensors) != header.checksum:
        raise ValueError(
            f"{header.path}: damaged: description and tensors do not agree with the checksum; copy the file again from "
            f"where it is whole, or {_CURES.get(header.kind, 'save it again')}"
        )
    return tensors


def _refuse(path: Path, kind: str, why: object) -> ValueError:
    """What is said of a file that is no file of the workbench, or no longer."""
    return ValueError(f"{path}: damaged, or not a file of the workbench ({why}); {_CURES.get(kind, 'save it again')}")


def require_path(path: object) -> Path:
    """The path; ValueError for what is none."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f'a file is named by its path, not by a {type(path).__name__}; give "model.safetensors"')
    return Path(path)
