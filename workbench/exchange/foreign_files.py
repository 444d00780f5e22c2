"""The files of others, known by their first bytes: what they are, and the way that works."""

from __future__ import annotations

import zipfile
from pathlib import Path

TORCH = (
    "load it with torch in the script that made it and give the module to wb.from_torch, then keep it by wb.save_model"
)
KERAS = (
    "make the same layers as a torch module in the script that made it, copy the weights into it and give it to "
    "wb.from_torch"
)
ONNX = "give the torch module that it was exported from to wb.from_torch"

_PICKLE, _ZIP, _HDF5 = b"\x80", (b"PK\x03\x04", b"PK\x05\x06"), b"\x89HDF\r\n\x1a\n"
_OTHERS = {
    b"\x93NUMPY": "an array of numpy (.npy)",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "compressed (gzip)",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
}
_LONGEST = 4096  # names in an archive that are looked at


def name_foreign(path: Path) -> str | None:
    """What a file of another program is and what to do with it, in words; None for one that may be safetensors.

    Nothing of it is executed or unpacked. It begins with a known mark, or it is taken for safetensors.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "weights.pkl")
    ...     _ = file.write_bytes(b"\\x80\\x04\\x95")
    ...     print(name_foreign(file))
    this is a pickle, as torch.save wrote them in former times, which could execute anything; load it with torch ...
    """
    with path.open("rb") as file:
        head = file.read(64)
    if head[:1] == _PICKLE and len(head) > 1 and 1 <= head[1] <= 5 and head[2:8] != bytes(6):
        return f"this is a pickle, as torch.save wrote them in former times, which could execute anything; {TORCH}"
    if head.startswith(_ZIP):
        return _name_archive(path)
    if head.startswith(_HDF5):
        return _name_hdf5(path)
    if head[4:8] == b"TFL3":
        return f"this is a TensorFlow Lite file; {KERAS}"
    if _is_onnx(head) or (path.suffix.lower() == ".onnx" and head[8:9] != b"{"):
        return f"this is an ONNX file; {ONNX}"
    if head.lstrip()[:1] == b"{" and b'"' in head:
        return "this is JSON and no file of tensors; a network that Network.save wrote is read by wb.Network.load(path)"
    for mark, what in _OTHERS.items():
        if head.startswith(mark):
            return f"this is {what}, not a file of the workbench; give a file that the workbench has written"
    return None


def _name_archive(path: Path) -> str:
    """What an archive holds, by the names of its members."""
    try:
        with zipfile.ZipFile(path) as file:
            names = [name.rpartition("/")[2] for name in file.namelist()[:_LONGEST]]
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return f"this is a zip archive that is damaged; if it is a torch.save file (.pt, .pth), {TORCH}"
    if "data.pkl" in names:
        return f"this is a torch.save file (.pt, .pth: a zip archive with a pickle in it); {TORCH}"
    if "model.weights.h5" in names or {"config.json", "metadata.json"} <= set(names):
        return f"this is a Keras file (.keras); {KERAS}"
    if "archive_format" in names or any(name.startswith("model") and name.endswith(".json") for name in names):
        return f"this is a file of torch.export (.pt2); {TORCH}"
    if names and all(name.endswith(".npy") for name in names):
        return "these are arrays of numpy (.npz), not a file of the workbench; give one that the workbench has written"
    return f"this is a zip archive; if it is a torch.save file (.pt, .pth), {TORCH}"


def _name_hdf5(path: Path) -> str:
    """What an HDF5 file holds, by its groups and attributes."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names, attributes = set(file), set(file.attrs)
    except (OSError, RuntimeError, ValueError, KeyError):
        return "this is an HDF5 file that is damaged; if it is a NIR file, make it anew and use wb.from_nir(path)"
    if "node" in names and "version" in names | attributes:
        return "this is a NIR file; use wb.from_nir(path)"
    if names & {"model_weights", "_layer_checkpoint_dependencies", "layers"} or "keras_version" in attributes:
        return f"this is a Keras file (.h5, HDF5); {KERAS}"
    return (
        "this is an HDF5 file, and neither NIR nor Keras; recordings are read by wb.load, and models are those that "
        "wb.save_model has written"
    )


def _is_onnx(head: bytes) -> bool:
    """Whether a file begins as ONNX does: its version of the format, then who made it, or the graph.

    A safetensors file of 520 bytes of header may begin alike, but has zeros where ONNX has the length of a name.
    """
    return len(head) > 8 and head[0] == 8 and 1 <= head[1] <= 30 and head[2] in (0x12, 0x1A, 0x3A) and any(head[4:8])
