"""Whole studies: the main job on the embedded sets, the experiments of the paper on theirs, and their reports.

main_job             streaming against sequential on one data set, each as an ANN and as an SNN
report               the main job as a page with figures and tables
recipes              how the data sets of the paper are learned
reproduction         one of them trained, converted and compared
reproduction_report  what that found, beside what was published
cost_verdicts        who is cheaper, and the prices that reverse it: a part of both reports
time_estimate        how long it will take
page                 a page in one file
"""

from workbench.study.main_job import Study, run_main_job, take_part
from workbench.study.recipes import RECIPES, Recipe
from workbench.study.report import summarise_study, write_report
from workbench.study.reproduction import Reproduction, load_for, reproduce
from workbench.study.reproduction_report import tell_reproduction, write_reproduction

__all__ = [
    "RECIPES",
    "Recipe",
    "Reproduction",
    "Study",
    "load_for",
    "reproduce",
    "run_main_job",
    "take_part",
    "summarise_study",
    "tell_reproduction",
    "write_report",
    "write_reproduction",
]
