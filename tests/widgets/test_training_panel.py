"""The panel of a training without a browser: it follows, it stops, it tells what went wrong, and costs nothing."""

import asyncio
import threading

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from workbench import widgets
from workbench.training import Update


def network() -> wb.Network:
    return wb.Network({"eye": (1, 3, 3)}, [wb.Edge("eye", "v1", wb.Dense(4)), wb.Edge("v1", "hand", wb.Dense(2))])


def recordings(count: int = 24) -> wb.Recordings:
    ticks = np.random.default_rng(0).poisson(0.5, (4, count, 1, 3, 3))
    return wb.Recordings.from_ticks(ticks, labels=[0, 1] * (count // 2), ticks_per_frame=1)


def test_a_watched_training_gives_the_numbers_of_an_unwatched_one() -> None:
    ann, history = wb.train(
        wb.Model(network()), recordings(), validation=recordings(8), epochs=3, batch=8, progress=False
    )
    panel = widgets.training(wb.Model(network()), recordings(), validation=recordings(8), epochs=3, batch=8)
    watched, table = panel.result()
    assert all(torch.equal(a, b) for a, b in zip(ann.state_dict().values(), watched.state_dict().values(), strict=True))
    assert table.equals(history)
    assert panel.table.equals(history)
    assert (
        panel.selection == history.sort_values(["validation_accuracy", "loss"], ascending=[False, True]).epoch.iloc[0]
    )
    assert list(panel.figure.data[0].y) == history["loss"].tolist()
    assert panel.stop.disabled
    assert repr(panel) == "TrainingPanel(ended after 3 of 3 epochs)"


def test_watching_sees_every_batch_and_can_end_it() -> None:
    seen: list[Update] = []

    def callback(update: Update) -> bool:
        seen.append(update)
        return update.epoch == 2 and update.batch == 2

    model, history = wb.train(wb.Model(network()), recordings(), epochs=5, batch=8, progress=False, callback=callback)
    assert [(update.epoch, update.batch, update.batches) for update in seen] == [
        (1, 1, 3), (1, 2, 3), (1, 3, 3), (2, 1, 3), (2, 2, 3),
    ]  # fmt: skip
    assert history["epoch"].tolist() == [1]
    assert seen[2].loss == pytest.approx(history["loss"][0])
    assert seen[2].accuracy == history["accuracy"][0]
    once, _ = wb.train(
        wb.Model(network()), recordings(), epochs=5, batch=8, progress=False, callback=lambda u: u.epoch > 1
    )
    for ours, theirs in zip(model.state_dict().values(), once.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), (
            "the best model so far is that of the first epoch, however far the second came"
        )


def test_the_stop_button_ends_it_with_the_best_model_so_far() -> None:
    begun = threading.Event()

    class Slow(wb.Model):
        def forward(self, frames):
            begun.set()
            return super().forward(frames)

    panel = widgets.training(Slow(network()), recordings(), epochs=10_000, batch=4)
    assert begun.wait(20)
    assert repr(panel).startswith("TrainingPanel(training after")
    panel.stop.click()
    _, history = panel.result()
    assert 0 <= len(history) < 10_000
    assert panel.note.value.startswith(f"Stopped after {len(history)} of 10000")


def test_what_goes_wrong_is_told_in_the_panel_and_raised_to_who_waits() -> None:
    panel = widgets.training(wb.Model(network()), recordings(), epochs=2, learning_rate=-1.0)
    with pytest.raises(ValueError, match=r"learning_rate=-1.0 must be positive"):
        panel.result()
    assert "learning_rate=-1.0 must be positive" in panel.figure.layout.annotations[0].text.replace("<br>", " ")
    assert "Failed" in panel.note.value


def test_awaiting_it_leaves_room_for_others() -> None:
    async def wait() -> tuple[int, int]:
        panel = widgets.training(wb.Model(network()), recordings(), epochs=3)
        others = 0
        waiting = asyncio.ensure_future(_result(panel))
        while not waiting.done():
            others += 1
            await asyncio.sleep(0.01)
        _, history = waiting.result()
        return others, len(history)

    others, epochs = asyncio.run(wait())
    assert others > 1
    assert epochs == 3


async def _result(panel: widgets.TrainingPanel) -> tuple[wb.Model, pd.DataFrame]:
    return await panel
