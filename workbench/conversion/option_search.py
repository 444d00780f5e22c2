"""The options of a conversion where none is named: the cheapest with one spike a tick that keep the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workbench.conversion.held_back import hold_back
from workbench.conversion.options import SCALES, ConversionOptions, Percentiles, require_room
from workbench.conversion.trials import Trial, TrialRuns
from workbench.events import Recordings
from workbench.model import Model
from workbench.network import Network
from workbench.progress import Progress, show_progress

PERCENTILES = (
    100.0, 99.9, 99.7, 99.5, 99.0, 98.5, 98.0, 97.0, 96.0, 94.0, 92.0, 90.0, 85.0, 80.0, 65.0, 50.0,
)  # fmt: skip  # from few spikes, in large steps, to many
LIMIT = 0.005  # of the variance of the ANN's answers, up to which fewer operations count more than a smaller error
FEW = 64  # recordings that options are tried on; what is best is measured on all that are held back
FEWER = 16  # the same of neurons at once, which have to be run tick by tick
GROUPS = 32  # of nodes at most, whose percentiles are moved one group after the other
PATIENCE = 2  # percentiles in a row that may help nothing
USUAL = 45  # trials of a search, about


def search_options(
    folded: Model,
    recordings: Recordings,
    network: Network,
    ticks_per_frame: int,
    batch: int | None,
    input_counts: int,
    weight_bits: int | None = None,
    progress: bool = True,
) -> ConversionOptions:
    """The options with the fewest synaptic operations among those whose answers err by at most 0.5 % of their variance.

    Where none is that good, those with the smallest error^2 x operations x max(1, operations / effective MACs of the
    ANN): to err by a hundredth less is worth two hundredths of the operations, and one where the SNN does more of them
    than its ANN. Tried are neurons with one spike a
    tick: at once, and where all delays out of them are whole frames spread ones, with a scale for each node or each
    channel. Of each kind the percentile of all nodes is lowered as long as that helps; that of the best kind is moved
    node by node, of more than 32 hidden nodes in 32 groups. All on a part of the recordings that are held back; what is
    chosen is measured on all of them, and `reason` says so. An ANN with ceilings is tried with those it has learned.
    """
    kinds = _list_kinds(folded, network, ticks_per_frame)
    latest = max(m.first_response[m.output] * k for m, k in ((folded.network, ticks_per_frame), (network, 1)))
    if latest >= recordings.frames * ticks_per_frame:
        return replace(kinds[0], reason="not measured: no answer within recordings")
    held_back, which = hold_back(folded, recordings, ticks_per_frame, PERCENTILES, batch)
    runs = TrialRuns(folded, network, ticks_per_frame, held_back, (input_counts, weight_bits), batch)
    if not runs.varies:
        return replace(kinds[0], reason="not measured: the ANN answers all alike")
    with show_progress(USUAL, "convert", "option", progress) as bar:
        search = Search(runs, bar)
        best = search.move(min((search.lower(kind) for kind in kinds), key=search.merit), network.hidden)
        chosen = runs.run(best.options)
        if best.error <= LIMIT < chosen.error:  # good on a part alone
            closest = runs.run(min(search.trials, key=lambda trial: trial.error).options)
            chosen = min(chosen, closest, key=search.merit)
        bar.advance(USUAL - bar.done)
    return replace(chosen.options, reason=_explain(chosen, runs, len(search.trials), which))


def _list_kinds(folded: Model, network: Network, k: int) -> list[ConversionOptions]:
    """Kinds of neurons with one spike a tick that this network can have, at their highest percentile."""
    highest = None if folded.bounded else PERCENTILES[0]
    kinds = [ConversionOptions(percentile=highest)]
    if _can_count(network, k):
        spread = replace(kinds[0], emission="spread", cap=folded.levels)
        require_room(spread, folded.levels, k)
        kinds += [spread] if folded.bounded else [replace(spread, scale=scale) for scale in SCALES]
    return kinds


def _can_count(network: Network, k: int) -> bool:
    """Whether neurons can count for a frame before they send: delays out of them are whole frames, at least one."""
    hidden = set(network.hidden)
    return all(edge.delay >= k and edge.delay % k == 0 for edge in network.edges if edge.source in hidden)


@dataclass
class Search:
    """Trials of one search, on a part of the recordings."""

    runs: TrialRuns
    bar: Progress
    trials: list[Trial] = field(default_factory=list)

    def merit(self, trial: Trial) -> tuple[bool, float]:
        """The smaller, the better: what errs little comes first, and the cheaper the sooner."""
        operations, good = trial.operations, trial.error <= LIMIT
        dear = max(1.0, operations / max(self.runs.effective_macs, 1.0))
        return not good, operations if good else trial.error**2 * operations * dear

    def attempt(self, options: ConversionOptions) -> Trial:
        """Options tried, once, on few recordings; on fewer where they must be run tick by tick."""
        known = next((trial for trial in self.trials if trial.options == options), None)
        if known is not None:
            return known
        trial = self.runs.run(options, FEW if options.emission != "at_once" and self.runs.by_frames else FEWER)
        self.trials.append(trial)
        if self.bar.done < USUAL - 1:  # there may be more trials; the last step ends the bar
            self.bar.advance()
        return trial

    def lower(self, kind: ConversionOptions) -> Trial:
        """The best of a kind of neurons at one percentile for all nodes, from few spikes to many.

        Lower ones make steps finer and cut more off: the error falls, and then rises.
        """
        best, worse = self.attempt(kind), 0
        for percentile in PERCENTILES[1:] if kind.percentile is not None else ():
            trial = self.attempt(replace(kind, percentile=percentile))
            worse = worse + 1 if self.merit(trial) >= self.merit(best) else 0
            best = min(best, trial, key=self.merit)
            if worse == PATIENCE or (worse and best.error <= LIMIT):
                break
        return best

    def move(self, best: Trial, nodes: Sequence[str]) -> Trial:
        """Move the percentile of one node after the other up or down, as long as that helps."""
        for group in _divide(nodes):
            for step in (-1, 1):
                while (options := _shift(best.options, group, nodes, step)) is not None:
                    trial = self.attempt(options)
                    if self.merit(trial) >= self.merit(best):
                        break
                    best = trial
        return best


def _divide(nodes: Sequence[str]) -> list[Sequence[str]]:
    """The nodes one by one, or of many those next to each other together: every trial runs the whole network."""
    count = min(len(nodes), GROUPS)
    return [nodes[len(nodes) * n // count : len(nodes) * (n + 1) // count] for n in range(count)]


def _shift(
    options: ConversionOptions, group: Sequence[str], nodes: Sequence[str], step: int
) -> ConversionOptions | None:
    """The options with the next lower percentile (`step` 1) or higher one (-1) for a group of nodes; None beyond."""
    if options.percentile is None:
        return None
    places = {node: PERCENTILES.index(float(options.percentile_of(node) or 0)) for node in nodes}
    moved = places[group[0]] + step
    if not 0 <= moved < len(PERCENTILES):
        return None
    percentiles = {node: PERCENTILES[place] for node, place in {**places, **dict.fromkeys(group, moved)}.items()}
    return replace(options, percentile=Percentiles(percentiles))


def _explain(trial: Trial, runs: TrialRuns, tried: int, which: str) -> str:
    """Why these options were chosen, what they cost, and what would help where they cost more than the ANN."""
    gap, error = trial.gap
    words = (
        f"best of {tried} on {which}: its answers err by {100 * trial.error:.2g} % of their variance, "
        f"{100 * trial.accuracy:.1f} % are right ({100 * gap:+.1f} ± {100 * error:.1f} points to the ANN), with "
        f"{trial.operations:,.0f} synaptic operations a recording"
    )
    if trial.operations > runs.effective_macs:
        words += (
            f", more than the ANN's {runs.effective_macs:,.0f} effective MACs: fewer ticks_per_frame, or to train with "
            "levels or spike_cost, would save some"
        )
    if not _can_count(runs.network, runs.ticks_per_frame):
        words += "; at once, for a neuron that counts for a frame needs delays of whole frames out of it"
    return words
