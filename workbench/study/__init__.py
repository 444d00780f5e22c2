"""The main job: streaming against sequential on one data set, each as an ANN and as an SNN, and its report.

main_job  trains, converts and compares
report    one self-contained page with figures and tables
"""

from workbench.study.main_job import Study, run_main_job, take_part
from workbench.study.report import summarise_study, write_report

__all__ = [
    "Study",
    "run_main_job",
    "take_part",
    "summarise_study",
    "write_report",
]
