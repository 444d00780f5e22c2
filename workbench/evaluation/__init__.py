"""Run recordings through models, and count: accuracy, operations and energy at every step.

batching           which recordings run side by side, and whether they fit
runs               recordings run block by block: answers, loss, accuracy
comparison         `compare`: models side by side, one row per model and step
summary            the table of `compare` in short, as numbers and as text
cost_table         the table of `compare`, and how it shows itself
operation_tables   `operations` and `count_updates`: the same per edge and per node
operation_counts   what every edge and node has to do at every step
memory_accesses    which numbers are read and written for what has been counted
energy             prices of operations, as data with their source
literature_bounds  published bounds on when a spiking network is cheaper, evaluated
confusion_matrix   which class is taken for which, at every step
number_words       large numbers, energies and shares as they are said
anytime/           answers before the end: early exit, latency, calibrated confidence
"""

from workbench.evaluation.anytime.early_exit import EarlyExit, calibrate_exit
from workbench.evaluation.anytime.latency import measure_latency
from workbench.evaluation.batching import MEMORY_SHARE, batches, bin_batch, choose_batch, require_fit, require_match
from workbench.evaluation.comparison import compare, tabulate_run
from workbench.evaluation.confusion_matrix import count_confusions
from workbench.evaluation.energy import (
    PRESETS,
    EnergyPreset,
    find_break_even,
    find_preset,
    price,
    price_all,
    price_over_time,
)
from workbench.evaluation.literature_bounds import criticise, summarise_bounds
from workbench.evaluation.number_words import amount, joules, share
from workbench.evaluation.operation_counts import COUNTS, count_blocks
from workbench.evaluation.operation_tables import count_updates, find_mismatch, operations
from workbench.evaluation.runs import collect_answers, evaluate, find_loss, run_blocks, take_frame_ends
from workbench.evaluation.summary import format_summary, summarise

__all__ = [
    # run
    "evaluate", "run_blocks", "collect_answers", "take_frame_ends", "find_loss",
    "MEMORY_SHARE", "batches", "bin_batch", "choose_batch", "require_fit", "require_match",
    # compare and count
    "compare", "tabulate_run", "operations", "count_updates", "count_blocks", "find_mismatch", "count_confusions",
    "COUNTS", "summarise", "format_summary",
    # price
    "EnergyPreset", "PRESETS", "find_preset", "price", "price_all", "price_over_time", "find_break_even",
    "criticise", "summarise_bounds",
    # answer at any time
    "EarlyExit", "calibrate_exit", "measure_latency",
    # say
    "amount", "joules", "share",
]  # fmt: skip
