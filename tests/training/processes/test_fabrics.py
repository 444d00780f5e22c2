"""Training by the processes of a Lightning Fabric that a script has launched, and the Fabrics that are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from tests.support.trainings import assert_close_models, assert_equal_models, some_network, some_recordings
from workbench.training.processes import fabrics
from workbench.training.processes.agreement import require_same

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """The folder in which both processes of the script have left what they found."""
    pytest.importorskip("lightning_fabric")
    folder = tmp_path_factory.mktemp("fabric")
    (folder / "damaged").write_bytes(b"no checkpoint")
    apart = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    found = subprocess.run(
        [sys.executable, ROOT / "tests" / "support" / "fabric_script.py", folder],
        env=apart | {"PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo"}, cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return folder


def read(folder):
    return [json.loads((folder / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(2)]


def test_both_processes_of_a_fabric_return_what_one_process_finds(launched):
    ours = [wb.load_model(launched / f"{rank}.model") for rank in range(2)]
    histories = [wb.describe_model_file(launched / f"{rank}.model").history for rank in range(2)]
    assert_equal_models(*ours)
    assert histories[0].equals(histories[1])
    whole, expected = wb.train(
        wb.Model(some_network(True), seed=1).double(), some_recordings(count=41), some_recordings(1), epochs=3,
        batch=14, progress=False, dropout=0.1,
    )  # fmt: skip
    pd.testing.assert_frame_equal(histories[0], expected, rtol=0, atol=1e-12)
    assert_close_models(ours[0], whole, 1e-12)


def test_only_the_first_process_writes_and_calls_back(launched):
    assert [told["calls"] for told in read(launched)] == [9, 0]
    assert sorted(path.name for path in launched.glob("*.checkpoint")) == ["0.checkpoint"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("before", "ValueError: fabric is of 2 processes and has not been launched; call fabric.launch() first, or "
            "give their number, fabric=2, which starts them itself"),
        ("number", "ValueError: fabric=2 starts processes itself, but this one is of a group of 2 already; give the "
            "Fabric that has launched it: fabric=fabric"),
        ("device", "ValueError: device='cpu' and fabric both say where to compute; leave device out"),
        ("different", "ValueError: the processes of fabric train differently: process 2 differs from process 1 in "
            "starting weights; give all the same"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_every_process(launched, what, words):
    assert [told[what] for told in read(launched)] == [words, words]


def test_a_damaged_checkpoint_of_the_first_process_is_told_in_all(launched):
    first, second = (told["checkpoint"] for told in read(launched))
    assert first == second
    assert first.startswith(f"ValueError: {launched / 'damaged'}: ")


def test_a_process_that_fails_does_not_leave_the_other_waiting(launched):
    assert [told["failed"] for told in read(launched)] == [
        "LostProcessError: process 1 of 2: another process has ended, or does not answer; with checkpoint= every "
        "epoch is kept",
        "ValueError: the second process cannot go on",
    ]


def test_a_fabric_of_one_device_is_no_group_and_one_that_rounds_is_refused():
    lightning = pytest.importorskip("lightning_fabric")
    model, recordings = wb.Model(some_network(), seed=1), some_recordings()
    options = {"epochs": 2, "batch": 14, "progress": False}
    ours, history = wb.train(model, recordings, **options, fabric=lightning.Fabric(accelerator="cpu", devices=1))
    theirs, expected = wb.train(model, recordings, **options)
    assert history.equals(expected)
    assert_equal_models(ours, theirs)
    rounding = lightning.Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    with pytest.raises(
        ValueError, match=r"fabric has the precision 'bf16-mixed', .* give wb.train\(..., precision=\"bf"
    ):
        wb.train(model, recordings, **options, fabric=rounding)


def test_a_fabric_that_is_not_the_one_that_was_launched_is_refused(monkeypatch):
    fabric = pytest.importorskip("lightning_fabric").Fabric(accelerator="cpu", devices=3, strategy="ddp")
    for name, value in {"is_initialized": True, "get_world_size": 2, "get_rank": 1}.items():
        monkeypatch.setattr(fabrics.dist, name, lambda value=value: value)
    with pytest.raises(
        ValueError,
        match=r"fabric is process 1 of 3, but what has been launched here is process 2 of 2; give the one that was lau",
    ):
        wb.train(wb.Model(some_network()), some_recordings(), fabric=fabric, progress=False)


class FSDPStrategy:
    """Stands for a strategy that needs several GPUs to be made."""


def test_a_fabric_that_divides_the_model_is_refused(monkeypatch):
    fabric = pytest.importorskip("lightning_fabric").Fabric(accelerator="cpu", devices=1)
    monkeypatch.setattr(fabric, "_strategy", FSDPStrategy())
    fabric._strategy.world_size = 2
    with pytest.raises(ValueError, match=r"fabric has the strategy FSDPStrategy, but every device needs the whole mod"):
        wb.train(wb.Model(some_network()), some_recordings(), fabric=fabric, progress=False)


def test_devices_of_different_kinds_are_refused():
    alike = {"seed": 0, "kind of device": "cpu"}
    require_same([alike, dict(alike), dict(alike)])
    with pytest.raises(ValueError, match=r"process 3 differs from process 1 in kind of device; give all the same"):
        require_same([alike, alike, alike | {"kind of device": "cuda"}])
