"""A row per recording: what was answered when, and what it cost, exactly as the other verbs say of them all."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support.cut_recordings import count_ballots, cut, models
from workbench.evaluation import collect_answers

KINDS = ["dense_macs", "effective_macs", "synaptic_operations"]


@pytest.mark.parametrize("per", ["slice", "recording"])
@pytest.mark.parametrize("seed", range(10))
def test_rows_say_what_compare_says_of_all(seed: int, per: str) -> None:
    recordings = cut(seed)
    for name, model in models(seed, recordings).items():
        costs = wb.compare({name: model}, recordings, per=per)
        rows = wb.evaluate(model, recordings, rows=True, per=per, batch=3)
        assert set(rows["per"]) == {per}
        assert rows["recording"].tolist() == list(range(len(rows)))
        np.testing.assert_allclose(rows[KINDS].mean(), costs[KINDS].iloc[-1], rtol=1e-12)
        assert rows["correct"].mean() == pytest.approx(costs["accuracy"].iloc[-1])
        assert (rows["correct"] == (rows["label"] == rows["answer"])).all()
        k, first = model.ticks_per_frame, model.network.first_response["out"]
        for frame in range(recordings.frames):
            answers, sure = rows[f"answer in frame {frame}"], rows[f"confidence in frame {frame}"]
            if (frame + 1) * k - 1 < first:
                assert (answers == "").all()
                assert sure.isna().all()
            else:
                assert (answers == rows["label"]).mean() == pytest.approx(costs["accuracy"][(frame + 1) * k - 1])
                assert sure.between(0, 1).all()
        pd.testing.assert_series_equal(rows["answer"], answers, check_names=False)
        pd.testing.assert_series_equal(rows["confidence"], sure, check_names=False)


@pytest.mark.parametrize("seed", range(6))
def test_a_row_is_what_the_recording_costs_alone(seed: int) -> None:
    recordings = cut(seed)
    for name, model in models(seed, recordings).items():
        rows = wb.evaluate(model, recordings, rows=True)
        for i in range(0, len(recordings), 3):
            alone = wb.compare({name: model}, recordings[[i]]).iloc[-1]
            assert rows.loc[i, KINDS].tolist() == alone[KINDS].tolist()  # whole numbers: the very same
        whole = wb.evaluate(model, recordings, rows=True, per="recording")
        sums = rows.groupby("origin", sort=False)[KINDS].sum()
        assert whole["origin"].tolist() == sums.index.tolist()
        assert (whole[KINDS].to_numpy() == sums.to_numpy()).all()


def gap(shares: np.ndarray, label: int) -> float:
    """The probability of the true class less the largest of the others."""
    return float(shares[label] - max(share for other, share in enumerate(shares) if other != label))


@pytest.mark.parametrize("seed", range(6))
def test_answers_and_confidences_are_those_of_the_softmax(seed: int) -> None:
    recordings = cut(seed)
    model = models(seed, recordings)["ANN"]
    answers = collect_answers(model, recordings).numpy()
    shares = np.exp(answers) / np.exp(answers).sum(2, keepdims=True)
    rows = wb.evaluate(model, recordings, rows=True)
    names = np.array(recordings.classes)
    assert rows["answer"].tolist() == names[answers[-1].argmax(1)].tolist()
    np.testing.assert_allclose(rows["confidence"], shares[-1].max(1))
    np.testing.assert_allclose(
        rows["margin"], [gap(share, label) for share, label in zip(shares[-1], recordings.labels, strict=True)]
    )
    whole = wb.evaluate(model, recordings, rows=True, per="recording")
    voted = count_ballots(answers, recordings)[-1]
    assert whole["answer"].tolist() == names[voted].tolist()
    for row, origin in enumerate(whole["origin"]):
        mine = shares[-1][recordings.origins == origin]
        assert whole["confidence"][row] == pytest.approx(mine[:, voted[row]].mean())
        label = recordings.labels[recordings.origins == origin][0]
        assert whole["margin"][row] == pytest.approx(gap(mine.mean(0), label))


def test_columns_and_what_does_not_fit() -> None:
    recordings = cut(0)
    rows = wb.evaluate(models(0, recordings)["SNN"], recordings, rows=True)
    told = [f"{what} in frame {frame}" for frame in range(6) for what in ("answer", "confidence")]
    assert rows.columns.tolist() == [
        "recording", "origin", "label", "answer", "confidence", "margin", "correct", *told, *KINDS, "per",
    ]  # fmt: skip
    late = wb.Model(wb.Network({"in": (2, 6, 5)}, [wb.Edge("in", "out", wb.Dense(3), delay=9)]))
    with pytest.raises(ValueError, match="answers first at step 9"):
        wb.evaluate(late, recordings, rows=True)
