"""The experiments of the paper, done on miniatures of their data sets from the command line."""

import re

import pytest

import workbench as wb
from tests.support.miniature_sets import FILL
from workbench import __main__ as job
from workbench.events import transforms
from workbench.study import RECIPES, load_for, reproduce
from workbench.study.reproduction_report import tabulate_published, tell_reproduction
from workbench.study.time_estimate import TimeEstimate, estimate_time


@pytest.fixture
def small(monkeypatch):
    """Recipes whose networks are so small that a test can wait for them."""
    from workbench.study import recipes

    few = {"growth": 2, "depth": 1, "blocks": 2, "channels": 4, "stride": 4}
    changed = {
        name: recipes.Recipe(**{**vars(recipe), "network": few, "frames": 5, "ticks_per_frame": 4})
        for name, recipe in RECIPES.items()
    }
    monkeypatch.setattr(job, "RECIPES", changed)
    return changed


@pytest.mark.parametrize("name", RECIPES)
def test_every_data_set_is_done_again_from_the_command_line(tmp_path, capsys, small, name):
    FILL[name](tmp_path / "sets")
    arguments = ["reproduce", name, "--root", str(tmp_path / "sets"), "--epochs", "2", "--out", str(tmp_path / "out")]
    assert job.main(arguments) == 0
    said = capsys.readouterr().out
    assert f"Dataset {name}: " in said
    assert "network: architectures.densenet(" in said
    assert re.search(r"This takes about \S+ \w+ on this machine: training \S+ \w+ \(measured on 3 batches\)", said)
    order = ["This takes", "Training: 2 epochs of", "Converting", "Comparing on", "At the last frame, beside what was"]
    assert [said.index(words) for words in order] == sorted(said.index(words) for words in order)
    assert f"{RECIPES[name].published_snn}" in said.split("beside what was published")[1]
    assert "is ours, and so is the default conversion" in said.replace("are ours", "is ours")
    cut = name == "dvs-gesture"  # whose recordings last for two windows
    assert ("of recordings, by a vote of their slices" in said) == cut
    assert ("per slice" in said) == cut
    page = (tmp_path / "out" / "reproduce" / f"{name}.html").read_text(encoding="utf-8")
    assert page.count("Plotly.newPlot(") == (7 if cut else 6)
    assert f"<h1>{RECIPES[name].title}, done again</h1>" in page
    assert "NaN" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert job.main(arguments) == 0  # again: nothing is trained or converted anew
    again = capsys.readouterr().out
    assert "The SNN of " in again
    assert "Converting" not in again
    tables = [text.split("Accuracy at every frame")[1].split("The report")[0] for text in (said, again)]
    assert tables[0] == tables[1]


def test_a_part_will_do_and_an_interrupt_goes_on(tmp_path, monkeypatch, small):
    FILL["n-mnist"](tmp_path)
    recipe = small["n-mnist"]
    dataset = load_for(recipe, tmp_path, part=0.5)
    assert (len(dataset.train), len(dataset.test)) == (20, 10)
    assert dataset.split.endswith("50 % of every class, drawn by seed 0")
    whole = reproduce(recipe, dataset, tmp_path / "whole", epochs=4, progress=False)
    from workbench.training import fitting

    step, calls = fitting._train_epoch, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3 + 4:  # after the trial, whose epochs count too
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "_train_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reproduce(recipe, dataset, tmp_path / "parts", epochs=4, progress=False)
    said: list[str] = []
    resumed = reproduce(recipe, dataset, tmp_path / "parts", epochs=4, say=said.append, progress=False)
    assert resumed.costs.equals(whole.costs)
    assert resumed.history.equals(whole.history)
    assert said[1] == "Training: 4 epochs of 20 recordings"


def test_what_was_found_stands_beside_what_was_published(tmp_path, small):
    FILL["dvs-gesture"](tmp_path)
    recipe = small["dvs-gesture"]
    found = reproduce(recipe, load_for(recipe, tmp_path), tmp_path / "out", epochs=2, progress=False)
    table = tabulate_published(found).set_index("model")
    assert table["Kugele et al. 2020 (%)"].to_dict() == {"ANN": 97.16, "SNN": 96.97}
    for column, costs in (("ours, slices (%)", found.costs), ("ours, recordings, by vote (%)", found.votes)):
        last = costs.groupby("model")["accuracy"].last()
        assert table[column].to_dict() == {name: round(100 * last[name], 2) for name in ("ANN", "SNN")}
    assert set(found.votes["per"]) == {"recording"}
    assert len(found.dataset.test) == 22
    assert "Best published: SNN 98.6, other 99.6 (10 classes)" in tell_reproduction(found)


def test_another_recipe_seed_or_part_is_another_folder(tmp_path, small):
    FILL["n-cars"](tmp_path)
    recipe = small["n-cars"]
    dataset = load_for(recipe, tmp_path)
    reproduce(recipe, dataset, tmp_path / "out", epochs=1, progress=False)
    reproduce(recipe, dataset, tmp_path / "out", epochs=1, progress=False, seed=1)
    reproduce(recipe, load_for(recipe, tmp_path, part=0.5), tmp_path / "out", epochs=1, progress=False)
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.parametrize("name", RECIPES)
def test_without_the_files_it_says_what_to_get_and_where_to_put_it(tmp_path, name, capsys):
    assert job.main(["reproduce", name, "--root", str(tmp_path / "nowhere"), "--out", str(tmp_path)]) == 2
    title = RECIPES[name].title
    assert re.fullmatch(
        rf"workbench reproduce: no {title} in .*nowhere; give root=, a folder with .*\. The whole set has [\d,]+ "
        r"recordings, .*https?://.*\n",
        capsys.readouterr().err,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mnist"], "argument set: invalid choice: 'mnist' (choose from 'n-mnist', 'cifar10-dvs', 'n-cars', 'dvs-gest"),
        (["n-mnist", "--part", "2"], "--part=2 must be a share between 0 and 1"),
        (["n-mnist", "--epochs", "0"], "--epochs=0 must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_loaded(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    try:
        status = job.main(["reproduce", *arguments])
    except SystemExit as end:  # argparse ends so
        status = end.code
    assert status == 2
    assert words in capsys.readouterr().err


# recipes


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_make_networks_that_fit_the_data(name):
    recipe = RECIPES[name]
    side = {"n-mnist": (34, 34), "n-cars": (50, 60)}.get(name, (64, 64))
    network = recipe.make_network((2, *side), 10)
    assert all(edge.delay == 1 for edge in network.edges)
    assert network.first_response[network.output] < recipe.frames
    assert network.edges[-1].operation == wb.Chain(wb.GlobalPool(), wb.Dense(10))
    assert set(recipe.describe()) == {"network", "window", "augmentation, drawn anew every epoch", "training"}


def test_gestures_are_not_mirrored():
    assert not any(isinstance(one, transforms.RandomFlip | transforms.Flip) for one in RECIPES["dvs-gesture"].augment)


# the estimate


def test_an_estimate_grows_with_the_epochs_and_says_what_it_was_measured_on(tmp_path):
    FILL["n-mnist"](tmp_path)
    dataset = wb.load("n-mnist", tmp_path, frames=6, ticks_per_frame=2)
    model = wb.Model(wb.architectures.shortcut_network(dataset.shape, 10, width=2).streaming())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = estimate_time(model, dataset, epochs=10, batch=8)
    assert found.training_s > 0
    assert found.rest_s > 0
    assert all((value == before[name]).all() for name, value in model.state_dict().items())
    assert str(TimeEstimate(7200, 600)) == (
        "about 2.2 h on this machine: training 2.0 h (measured on 3 batches), conversion and comparison "
        "10 min (roughly)"
    )
