"""The main job from the command line, `workbench` or `python -m workbench`: on embedded recordings or on N-MNIST."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import pandas as pd

from workbench.evaluation import find_per, format_summary, price_all, summarise, summarise_bounds
from workbench.events import Dataset, load
from workbench.study import (
    RECIPES,
    Study,
    load_for,
    reproduce,
    run_main_job,
    summarise_study,
    take_part,
    tell_reproduction,
    write_report,
    write_reproduction,
)
from workbench.validation import require_seed, require_whole

DURATION = "1 to 3 minutes on two cores, by how busy they are"


def main(arguments: list[str] | None = None) -> int:
    """Do the main job, or reproduce an experiment; print the tables, write the report; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    job = _reproduce if given[:1] == ["reproduce"] else _do_main_job
    try:
        return job(given)
    except KeyboardInterrupt:
        print("\nworkbench: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _do_main_job(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="workbench", description=__doc__, epilog="`workbench reproduce --help`: the experiments of the paper"
    )
    parser.add_argument("--data", metavar="FOLDER", help="N-MNIST recordings (.bin) instead of the embedded sets")
    _add_common(parser, "default: as many as give about 540 batches")
    options = parser.parse_args(arguments)
    try:
        _check(options)
        datasets = _load(options)
    except (ValueError, OSError) as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 2
    _study_all(datasets, options)
    return 0


def _reproduce(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="workbench reproduce", description="Train, convert and compare a network on a data set of the paper."
    )
    parser.add_argument("set", choices=list(RECIPES), help="the data set")
    parser.add_argument("--root", metavar="FOLDER", default="data", help="where its files are (default: data)")
    _add_common(parser, "default: those of the recipe")
    options = parser.parse_args(arguments[1:])
    recipe = RECIPES[options.set]
    try:
        _check(options)
        dataset = load_for(recipe, options.root, options.part, options.seed)
    except (ValueError, OSError) as error:
        print(f"workbench reproduce: {error}", file=sys.stderr)
        return 2
    folder = Path(options.out) / "reproduce"
    print(f"\n{dataset}\n", flush=True)
    for what, how in recipe.describe(options.epochs).items():
        print(f"{what}: {how}", flush=True)
    found = reproduce(recipe, dataset, folder, options.epochs, say=_say, seed=options.seed)
    page = folder / f"{recipe.name}.html"
    print(f"\n{tell_reproduction(found)}", flush=True)
    write_reproduction(found, page)
    print(f"\nThe report with all figures: {page.resolve()}", flush=True)
    return 0


def _add_common(parser: argparse.ArgumentParser, epochs: str) -> None:
    parser.add_argument("--out", metavar="FOLDER", default="build", help="where the report goes (default: build)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and training (default: 0)")
    parser.add_argument("--part", type=float, metavar="SHARE", help="a share of the recordings, to try it out: 0.05")
    parser.add_argument("--epochs", type=int, help=f"of every training ({epochs})")


def _check(options: argparse.Namespace) -> None:
    """Check what can be checked before anything is loaded."""
    require_seed(options.seed, "--seed")
    if options.epochs is not None:
        require_whole("--epochs", options.epochs)
    if options.part is not None and not 0 < options.part < 1:
        raise ValueError(f"--part={options.part:g} must be a share between 0 and 1")


def _study_all(datasets: list[Dataset], options: argparse.Namespace) -> None:
    """Study one data set after the other; the report has those that are done."""
    studies: list[Study] = []
    page, checkpoints = Path(options.out) / "report.html", Path(options.out) / "checkpoints"
    for number, dataset in enumerate(datasets, 1):
        print(f"\n{dataset}\n\nStudy {number} of {len(datasets)}: {dataset.name}{_duration(options)}", flush=True)
        study = run_main_job(dataset, epochs=options.epochs, checkpoints=checkpoints, say=_say, seed=options.seed)
        studies.append(study)
        _print(study.costs)
        print(summarise_study(study), flush=True)
        write_report(studies, page)
    shutil.rmtree(checkpoints)
    print(f"\nThe report with all figures: {page.resolve()}", flush=True)


def _say(words: str) -> None:
    print(words, flush=True)


def _duration(options: argparse.Namespace) -> str:
    """How long a study takes, where that is known."""
    known = options.data is None and options.part is None and options.epochs is None
    return f", {DURATION}" if known else ""


def _load(options: argparse.Namespace) -> list[Dataset]:
    print("Loading recordings (the embedded sets are made on first use, in about half a minute) ...", flush=True)
    datasets = [load("n-mnist", root=options.data)] if options.data else [load("motion"), load("digits")]
    if options.part is None:
        return datasets
    return [take_part(dataset, options.part, options.seed) for dataset in datasets]


def _print(costs: pd.DataFrame) -> None:
    """The result tables, as text."""
    summary = format_summary(summarise(costs))
    frames = [column for column in summary.columns if column.startswith("frame")]
    print("\nAccuracy on the test recordings at every frame (the running answer)")
    print(summary[frames].to_string())
    print(f"\nOperations, and energy in nanojoules (preset fp32), per {find_per(costs)}")
    print(summary[[column for column in summary.columns if column not in frames]].to_string())
    print(f"\nEnergy per {find_per(costs)} in nanojoules under every preset")
    prices = price_all(costs)
    print(
        prices.pivot_table(index="preset", columns="model", values="energy_nj", sort=False)
        .round(0)
        .to_string(na_rep="no price")
    )
    for preset, source in prices.drop_duplicates("preset")[["preset", "source"]].itertuples(index=False):
        print(f"  {preset}: {source}")
    print(f"\nWhat critics say: {summarise_bounds(costs)}\n")


if __name__ == "__main__":
    sys.exit(main())
