"""The container: a flipped bit is refused, newer files too, and the files of others by their names."""

import json
import stat
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import workbench as wb
from tests.support import old_files, tiny
from workbench.exchange import tensor_files
from workbench.exchange.tensor_files import FORMAT, read_header, read_tensors, write_tensors


def header_of(path: Path) -> dict:
    raw = path.read_bytes()
    return json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])


def with_header(path: Path, change) -> None:
    """Write the file again, its JSON changed by a function of what it says, or replaced by a text."""
    raw, header = path.read_bytes(), header_of(path)
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    said = json.loads(header["__metadata__"]["workbench"])
    text = change if isinstance(change, str) else json.dumps(change(said) or said)
    header["__metadata__"]["workbench"] = text
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    path.write_bytes(struct.pack("<Q", len(written)) + written + raw[end:])


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "model.safetensors"
    wb.save_model(wb.Model(wb.Network({"eye": (1, 2, 2)}, [wb.Edge("eye", "hand", wb.Dense(2))]), seed=1), path)
    return path


def test_every_flipped_bit_is_refused_or_changes_nothing(saved):
    """All of them, in a file of some 1,500 bytes; what may change nothing is the padding of the header."""
    model, raw = wb.load_model(saved), saved.read_bytes()
    accepted = []
    for place in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        saved.write_bytes(flipped)
        try:
            found = wb.load_model(saved)
        except ValueError as error:
            assert str(saved) in str(error)  # noqa: PT017  # thousands of them
        else:
            accepted.append(place)
            assert repr(found) == repr(model)
            assert all(torch.equal(a, b) for a, b in zip(found.parameters(), model.parameters(), strict=True))
    assert len(accepted) < 100


def test_the_header_holds_kind_format_and_checksum(saved):
    assert list(header_of(saved)["__metadata__"]) == ["workbench"]
    said = json.loads(header_of(saved)["__metadata__"]["workbench"])
    assert list(said) == ["format", "kind", "checksum", "description"]
    assert (said["kind"], said["format"]) == ("model", FORMAT)
    assert said["checksum"] == tensor_files.find_checksum("model", said["description"], load_file(saved))


def test_a_file_has_the_rights_that_files_have_here(saved, tmp_path):
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


SAID = [
    (
        lambda m: m.update(format=3),
        r"written by a newer workbench \(format 3; this one reads up to 2\); update",
    ),
    (
        lambda m: m.update(format=10**9, kind="poem"),
        r"written by a newer workbench \(format 1000000000; this",
    ),
    (lambda m: {"format": 3}, r"written by a newer workbench \(format 3; this one reads up to 2\)"),
    (lambda m: m.update(format=0), r"damaged, or not a file of the workbench \(format 0\); save it again"),
    (lambda m: m.update(format="2"), r"damaged, or not a file of the workbench \(format '2'\)"),
    (lambda m: m.update(format=True), r"damaged, or not a file of the workbench \(format True\)"),
    (lambda m: m.update(format=1), r"damaged, or not a file of the workbench \(format 1\)"),
    (lambda m: m.pop("format") and None, r"the description is incomplete: it has no network"),
    (lambda m: m.update(kind="poem"), r"not a model of the workbench, but 'poem'"),
    (lambda m: m.update(kind="checkpoint"), r"but a checkpoint of a training: wb\.train\(\.\.\., checkpoint=path\)"),
    (lambda m: m.update(checksum="0"), r"description and tensors do not agree with the checksum"),
    (lambda m: m.update(checksum=None), r"description and tensors do not agree with the checksum"),
    (lambda m: m.pop("checksum") and None, r"its header is incomplete: it has no checksum"),
    (lambda m: m.update(note="mine"), r"its header has 'note', which nobody knows"),
    (lambda m: m.update(description=[]), r"its description is of type list, not an object"),
    (lambda m: m["description"].update(norm=None), r"description and tensors do not agree with the checksum"),
]


@pytest.mark.parametrize(("change", "words"), SAID, ids=range(len(SAID)))
def test_what_a_header_must_not_say(saved, change, words):
    with_header(saved, change)
    with pytest.raises(ValueError, match=rf"model\.safetensors: .*({words})"):
        wb.load_model(saved)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 30_000, r"more than 64 lists and objects within each other"),
        ("{", r"not valid JSON at line 1"),
        ("[" * 30_000 + "]" * 30_000, r"more than 64 lists and objects within each other"),
        ('{"a": NaN}', r"NaN is no number in JSON"),
        ('{"a": 1e999}', r"the number 1e999 is larger than any float"),
        ('{"a": ' + "9" * 5000 + "}", r"has more than 64 binary digits"),
        ('{"a": 1, "a": 2}', r"'a' is given twice"),
        ('{"\\ud800": 1}', r"half of a surrogate pair"),
        ("3", r"its description is of type int, not an object"),
    ],
)
def test_json_that_no_honest_file_holds(saved, text, words):
    with_header(saved, text)
    with pytest.raises(ValueError, match=rf"model\.safetensors: damaged, or not a file of the workbench .*{words}"):
        wb.load_model(saved)


@pytest.mark.parametrize("size", [10**6, 10**18, 2**64])
def test_a_tiny_file_that_describes_a_huge_layer_takes_nothing(saved, size):
    header = read_header(saved, "model")
    tensors = read_tensors(header)
    header.description["network"] = header.description["network"].replace('"units": 2', f'"units": {size - 1}')
    write_tensors(saved, "model", tensors, header.description)
    with pytest.raises(ValueError, match=r"edge eye -> hand( needs [\d,]+ numbers, and the file|, has the)"):
        wb.load_model(saved)


CHANGED = [
    (lambda t: t.pop("weights.0.0"), r"tensor 'weights\.0\.0', of edge eye -> v0, is missing; it has the shape"),
    (lambda t: t.pop("nodes.1.variance"), r"tensor 'nodes\.1\.variance', of node 'v0', is missing; it has the shape"),
    (lambda t: t.update({"weights.0.0": torch.zeros(4, 17)}), r"has the shape \(4, 17\), but the network needs"),
    (lambda t: t.update({"weights.0.0": torch.zeros(4, 18, dtype=torch.int32)}), r"is of type I32, where only F32"),
    (lambda t: t.update({"nodes.1.runs": torch.zeros(())}), r"is of type F32, where only I64 will do"),
    (lambda t: t.update({"nodes.1.runs": torch.tensor(-1)}), r"node 'v0', is negative, which neither a variance nor"),
    (lambda t: t.update({"nodes.1.variance": -torch.ones(4)}), r"node 'v0', is negative, which neither a variance nor"),
    (lambda t: t.update({"more": torch.zeros(1)}), r"tensor 'more' belongs to nothing in the network; save it again"),
    (lambda t: t.update({"gains.9": torch.zeros(1)}), r"tensor 'gains\.9' belongs to nothing in the network"),
    (lambda t: t.update({"gains.00": torch.zeros(1)}), r"tensor 'gains\.00' belongs to nothing in the network"),
    (lambda t: t.update({"gains.1": torch.zeros(3)}), r"edge v0 -> v1, has the shape \(3,\), by which no target"),
    (lambda t: t.update({"gains.1": torch.full((4,), torch.nan)}), r"edge v0 -> v1: its gains are not all finite"),
    (lambda t: t.update({"weights.0.0": torch.full((4, 18), torch.inf)}), r"edge eye -> v0: its weights are not all"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), CHANGED, ids=range(len(CHANGED)))
def test_tensors_that_do_not_fit_the_network_are_named_with_edge_or_node(tmp_path, change, words):
    path, model = tmp_path / "model.safetensors", wb.Model(tiny.network(), seed=1)
    wb.save_model(model, path)
    tensors = dict(model.state_dict())
    change(tensors)
    write_tensors(path, "model", tensors, read_header(path, "model").description)
    with pytest.raises(ValueError, match=rf"model\.safetensors: .*{words}"):
        wb.load_model(path)


# files of format 1


def test_files_of_format_1_load_as_they_did():
    for name, model in (("ann", old_files.ann()), ("snn", old_files.snn())):
        path = old_files.KEPT / f"{name}_format_1.safetensors"
        loaded, told = wb.load_model(path), wb.describe_model_file(path)
        assert (loaded.network, loaded.node_neurons) == (model.network, model.node_neurons)
        assert (loaded.scales, loaded.conversion_options) == (model.scales, model.conversion_options)
        assert (loaded.grid is None, loaded.input_encoding) == (model.grid is None, model.input_encoding)
        assert loaded.provenance == wb.Model(model.network).provenance.__class__()
        assert (told.format, told.workbench, told.history, told.network) == (1, None, None, model.network)
        assert set(loaded.state_dict()) == set(load_file(path))
        for key, values in load_file(path).items():
            assert torch.equal(loaded.state_dict()[key], values)
            assert torch.allclose(model.state_dict()[key], values)
        ticks = torch.from_numpy(old_files.recordings().as_ticks())
        assert torch.allclose(loaded(ticks), model(ticks))


def test_a_checkpoint_of_format_1_goes_on(tmp_path):
    path = tmp_path / "checkpoint"
    path.write_bytes((old_files.KEPT / "checkpoint_format_1.safetensors").read_bytes())
    model, recordings = old_files.untrained(), old_files.recordings()
    _, history = wb.train(model, recordings, checkpoint=path, **old_files.OPTIONS)
    _, expected = wb.train(model, recordings, **old_files.OPTIONS)
    np.testing.assert_allclose(history, expected, rtol=1e-4)
    assert read_header(path, "checkpoint").format == FORMAT


# the files of others


def write_zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"{}")


def write_hdf5(path: Path, *groups: str, **attributes: str) -> None:
    with h5py.File(path, "w") as file:
        for group in groups:
            file.create_group(group)
        file.attrs.update(attributes)


def write_nir(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("node")
        file["version"] = "1.0.8"


WAY = r"load it with torch in the script that made it and give the module to wb\.from_torch"
KERAS = r"make the same layers as a torch module .* give it to wb\.from_torch"
FOREIGN = {
    "torch.pt": (lambda p: torch.save({"a": torch.zeros(3)}, p), rf"this is a torch\.save file .*; {WAY}"),
    "old.pt": (
        lambda p: torch.save({"a": torch.zeros(3)}, p, _use_new_zipfile_serialization=False),
        rf"this is a pickle, as torch\.save wrote them .*; {WAY}",
    ),
    "export.pt2": (lambda p: write_zip(p, "model/archive_format"), rf"this is a file of torch\.export .*; {WAY}"),
    "odd.zip": (lambda p: write_zip(p, "letter.txt"), rf"this is a zip archive; if it is a torch\.save file .*{WAY}"),
    "half.pt": (lambda p: p.write_bytes(b"PK\x03\x04" + b"a" * 99), rf"this is a zip archive that .*{WAY}"),
    "model.keras": (
        lambda p: write_zip(p, "metadata.json", "config.json", "model.weights.h5"), rf"a Keras file .*; {KERAS}",
    ),
    "model.h5": (lambda p: write_hdf5(p, "model_weights", keras_version="3"), rf"this is a Keras file .*; {KERAS}"),
    "model.nir": (write_nir, r"this is a NIR file; use wb\.from_nir\(path\)"),
    "versioned.nir": (lambda p: write_hdf5(p, "node", version="1"), r"this is a NIR file; use wb\.from_nir\(path\)"),
    "events.h5": (lambda p: write_hdf5(p, "CD"), r"this is an HDF5 file, and neither NIR nor Keras;"),
    "half.h5": (lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n" + b"a" * 99), r"an HDF5 file that is .*wb\.from_nir"),
    "model.onnx": (
        lambda p: p.write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x052.0.0"),
        r"this is an ONNX file; give the torch module that it was exported from to wb\.from_torch",
    ),
    "named.onnx": (lambda p: p.write_bytes(b"anything else"), r"this is an ONNX file; give the torch module"),
    "model.tflite": (lambda p: p.write_bytes(b"\x1c\0\0\0TFL3" + bytes(9)), rf"TensorFlow Lite file; {KERAS}"),
    "arrays.npz": (lambda p: np.savez(p, a=np.zeros(3)), r"these are arrays of numpy \(\.npz\)"),
    "array.npy": (lambda p: np.save(p, np.zeros(3)), r"this is an array of numpy \(\.npy\), not a file"),
    "network.json": (lambda p: tiny.network().save(p), r"this is JSON and .* wb\.Network\.load\(path\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_the_files_of_others_are_named_with_the_way_that_works(tmp_path, name):
    write, words = FOREIGN[name]
    write(tmp_path / name)
    for read in (wb.load_model, wb.describe_model_file):
        with pytest.raises(ValueError, match=rf"{name}: .*{words}"):
            read(tmp_path / name)


def test_what_is_no_path_is_told():
    with pytest.raises(ValueError, match=r'a file is named by its path, not by a Model; give "model\.safetensors"'):
        wb.load_model(tiny.ann())


@pytest.mark.parametrize("length", [256 * i + 0x80 for i in range(1, 6)])
def test_no_length_of_a_header_makes_a_file_a_pickle(tmp_path, length):
    """A safetensors file begins with the length of its header, whose bytes may be those a pickle begins with."""
    path = tmp_path / "model.safetensors"
    text = b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'.ljust(length)
    path.write_bytes(struct.pack("<Q", length) + text)
    with pytest.raises(ValueError, match="safetensors of another program; load it with safetensors"):
        wb.load_model(path)
