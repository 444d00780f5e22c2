"""Every verb that computes takes `device`, computes there, and refuses in words what it cannot use."""

import inspect

import pytest
import torch

import workbench as wb
from tests.support import tiny
from workbench.model import placement
from workbench.training.processes import fabrics

COMPUTING = {
    "train": lambda **o: wb.train(tiny.ann(), tiny.recordings(), epochs=1, progress=False, **o),
    "fine_tune": lambda **o: wb.fine_tune(tiny.snn(), tiny.recordings(), epochs=1, progress=False, **o),
    "convert": lambda **o: wb.convert(tiny.ann(), tiny.recordings(), percentile=99.9, progress=False, **o),
    "evaluate": lambda **o: wb.evaluate(tiny.ann(), tiny.recordings(), progress=False, **o),
    "compare": lambda **o: wb.compare({"ANN": tiny.ann()}, tiny.recordings(), progress=False, **o),
    "operations": lambda **o: wb.operations(tiny.ann(), tiny.recordings(), progress=False, **o),
    "count_updates": lambda **o: wb.count_updates(tiny.ann(), tiny.recordings(), progress=False, **o),
    "count_confusions": lambda **o: wb.count_confusions(tiny.ann(), tiny.recordings(), progress=False, **o),
    "calibrate_exit": lambda **o: wb.calibrate_exit(tiny.ann(), tiny.recordings(600), progress=False, **o),
    "diagnose": lambda **o: wb.diagnose(tiny.ann(), tiny.snn(), tiny.recordings(), progress=False, **o),
    "trace_recording": lambda **o: wb.trace_recording(tiny.ann(), tiny.recordings(), **o),
    "trace_membrane": lambda **o: wb.trace_membrane(tiny.ann(), activity(), "v0", 0, **o),
    "EarlyExit.stop": lambda **o: early_exit().stop(tiny.recordings(600), progress=False, **o),
    "EarlyExit.sweep": lambda **o: early_exit().sweep(tiny.recordings(600), progress=False, **o),
    "EarlyExit.summarise": lambda **o: early_exit().summarise(tiny.recordings(600), progress=False, **o),
    "Model.stream": lambda **o: tiny.ann().stream(**o),
}
NEEDS_NIR = {"compare_nir"}


def activity():
    return tiny.ann().run(tiny.recordings().as_frames())


def early_exit():
    return wb.calibrate_exit(tiny.ann(), tiny.recordings(600), progress=False)


def test_every_verb_that_takes_recordings_takes_a_device():
    """A new verb that computes is missed here, not by who has a GPU."""
    verbs = {name: getattr(wb, name) for name in wb.__all__ if inspect.isfunction(getattr(wb, name))}
    taking = {name for name, verb in verbs.items() if "recordings" in inspect.signature(verb).parameters}
    assert taking <= set(COMPUTING) | NEEDS_NIR
    for name in taking | {"trace_membrane"}:
        device = inspect.signature(verbs[name]).parameters["device"]
        assert device.default is None, name


@pytest.mark.parametrize("verb", COMPUTING)
@pytest.mark.parametrize(
    ("device", "words"),
    [
        (
            "meta",
            r"device='meta' has shapes and no values, so nothing can be computed there; give device=\"cpu\", \"cuda",
        ),
        ("cuda", r"device='cuda': torch finds no GPU of CUDA on this machine; give device=\"cpu\""),
        ("gpu", r"device='gpu' is no device of torch; give device=\"cpu\", \"cuda\" or \"cuda:1\", or leave it out"),
        (0, r"device=0 is no device of torch; give"),
    ],
)
def test_a_device_that_cannot_be_used_is_refused_by_every_verb(monkeypatch, verb, device, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=words):
        COMPUTING[verb](device=device)


def test_a_device_that_is_refused_by_the_comparison_of_nir_files(tmp_path):
    pytest.importorskip("nir")
    wb.to_nir(tiny.snn(), tmp_path / "snn.nir")
    with pytest.raises(ValueError, match="device='meta' has shapes and no values"):
        wb.compare_nir(tmp_path / "snn.nir", tiny.recordings(), device="meta", progress=False)


def test_a_model_without_values_is_refused():
    with pytest.raises(ValueError, match="device='meta' has shapes and no values"):
        wb.evaluate(tiny.ann().copy().to("meta"), tiny.recordings())


def test_a_gpu_that_is_not_there_and_one_that_fails_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"device='cuda:2': this machine has 2 of them, from cuda:0 on; give device="):
        placement.require_device("cuda:2")
    with pytest.raises(ValueError, match=r"device='cuda:1' cannot be used on this machine \(.+\); give device=\"cpu\""):
        placement.require_device("cuda:1")
    with pytest.raises(
        ValueError, match=r"fabric=3 needs so many devices of cuda, and this machine has 2; give fabric=2"
    ):
        fabrics._require_devices(3, "cuda")


@pytest.mark.parametrize("verb", COMPUTING)
def test_the_device_of_a_model_changes_nothing_and_nothing_is_moved(verb):
    ann, snn = tiny.ann().weights[0][0], tiny.snn().weights[0][0]
    COMPUTING[verb](device="cpu")
    assert tiny.ann().weights[0][0] is ann
    assert tiny.snn().weights[0][0] is snn


@pytest.mark.parametrize("verb", COMPUTING)
def test_what_is_named_is_computed_on_a_copy_there(monkeypatch, verb):
    """Another device stands for a GPU: the verb works with the copy that was placed there, and returns home."""
    placed, to = [], wb.Model.to

    def noted(model, where, *rest):
        placed.append(str(where))
        return model if str(where) == "cpu:0" else to(model, where, *rest)

    monkeypatch.setattr(wb.Model, "to", noted)
    found = COMPUTING[verb](device="cpu:0")
    assert "cpu:0" in placed
    models = [one for one in (found if isinstance(found, tuple) else (found,)) if isinstance(one, wb.Model)]
    assert all(model.device == torch.device("cpu") for model in models)
