"""Run recordings through models, and count: accuracy, operations and energy at every step.

batching              which recordings run side by side, and whether they fit
runs                  recordings run block by block: answers and their loss
comparison            `compare`: models side by side, one row per model and step
summary               the table of `compare` in short, as numbers and as text
cost_table            the table of `compare`, and how it shows itself
operation_tables      `operations` and `count_updates`: the same per edge and per node
operation_counts      what every edge and node has to do at every step
memory_accesses       which numbers are read and written for what has been counted
operation_totals      operations of all kinds together, by model and by edge
accuracy_summary      first response, best and last accuracy of every model
energy                prices of operations, as data with their source
break_even            which of two models costs less energy, and until when
reversing_prices      the price of a synaptic operation that reverses which model is cheaper
literature_bounds     published bounds on when a spiking network is cheaper, evaluated
votes                 answers per slice, or per recording by a vote of its slices
scores                `evaluate`: loss and accuracy, or a row per recording
class_recall          how much of every class is recognised, and what it is taken for
confusion_matrix      which class is taken for which, at every step
confusion_statistics  shares of a class, accuracy, and the classes confused most
number_words          large numbers, energies and shares as they are said
time_words            moments and lengths of time as they are said
anytime/              answers before the end: early exit and its savings, latency, calibrated confidence
"""

from workbench.evaluation.accuracy_summary import summarise_accuracy
from workbench.evaluation.anytime.early_exit import EarlyExit, calibrate_exit
from workbench.evaluation.anytime.latency import measure_latency
from workbench.evaluation.anytime.savings import measure_savings
from workbench.evaluation.batching import (
    MEMORY_SHARE,
    MOST_RECORDINGS,
    batches,
    bin_batch,
    choose_batch,
    choose_evenly,
    require_fit,
    require_match,
)
from workbench.evaluation.break_even import compare_energy, find_break_even, price_over_time
from workbench.evaluation.class_recall import tabulate_recall
from workbench.evaluation.comparison import compare, tabulate_run
from workbench.evaluation.confusion_matrix import count_confusions
from workbench.evaluation.confusion_statistics import rank_confusions, share_confusions, track_accuracy
from workbench.evaluation.energy import (
    PRESETS,
    EnergyPreset,
    find_preset,
    price,
    price_all,
)
from workbench.evaluation.literature_bounds import criticise, summarise_bounds
from workbench.evaluation.memory_accesses import count_buffer_bytes
from workbench.evaluation.number_words import amount, joules, share
from workbench.evaluation.operation_counts import COUNTS, OPERATION_COUNTS, count_blocks, count_synapses, make_counter
from workbench.evaluation.operation_tables import count_operations, count_updates, find_mismatch, operations
from workbench.evaluation.operation_totals import compare_operations, total_by_edge, total_operations
from workbench.evaluation.reversing_prices import describe_reversing_price, tabulate_reversing_prices
from workbench.evaluation.runs import collect_answers, find_loss, run_blocks, take_frame_ends
from workbench.evaluation.scores import evaluate
from workbench.evaluation.summary import format_summary, summarise
from workbench.evaluation.time_words import duration, frame_of, moment
from workbench.evaluation.votes import find_per, group_slices, vote

__all__ = [
    # run
    "evaluate", "run_blocks", "collect_answers", "take_frame_ends", "find_loss",
    "MEMORY_SHARE", "MOST_RECORDINGS",
    "batches", "bin_batch", "choose_batch", "choose_evenly", "require_fit", "require_match",
    # compare and count
    "compare", "tabulate_run", "operations", "count_updates", "count_blocks", "count_operations", "make_counter",
    "count_synapses", "count_buffer_bytes",
    "find_mismatch", "count_confusions", "tabulate_recall", "find_per", "group_slices", "vote",
    "COUNTS", "OPERATION_COUNTS", "summarise", "format_summary", "summarise_accuracy",
    "total_operations", "total_by_edge", "compare_operations", "share_confusions", "track_accuracy", "rank_confusions",
    # price
    "EnergyPreset", "PRESETS", "find_preset", "price", "price_all", "price_over_time", "find_break_even",
    "compare_energy", "tabulate_reversing_prices", "describe_reversing_price", "criticise", "summarise_bounds",
    # answer at any time
    "EarlyExit", "calibrate_exit", "measure_latency", "measure_savings",
    # say
    "amount", "joules", "share", "duration", "frame_of", "moment",
]  # fmt: skip
