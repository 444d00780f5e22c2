"""Tables as files for others: .csv, and .tex and .md for a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

CSV_DIGITS, PAGE_DIGITS = 10, 4
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "→": r"$\rightarrow$", "µ": r"$\mu$", "…": r"\ldots{}",
}  # fmt: skip
_SPECIAL = re.compile("|".join(map(re.escape, _LATEX)))


def write_table(table: pd.DataFrame, kind: str) -> str:
    """A table as "csv", "tex" or "md"; its attributes as comments that begin with #, or in the caption.

    >>> table = pd.DataFrame({"model": ["R&D_1"], "accuracy": [0.912345678]})
    >>> print(write_table(table, "csv"), end="")
    model,accuracy
    R&D_1,0.912345678
    >>> print(write_table(table, "md"), end="")
    | model | accuracy |
    |---|---:|
    | R&D_1 | 0.9123 |
    """
    plain = pd.DataFrame(table)
    if not isinstance(plain.index, pd.RangeIndex):
        plain = plain.reset_index()
    return WRITERS[kind](
        plain, {str(name): str(value) for name, value in table.attrs.items() if value not in ("", None)}
    )


def _write_csv(table: pd.DataFrame, about: dict[str, str]) -> str:
    comments = "".join(f"# {name}: {' '.join(value.split())}\n" for name, value in about.items())
    return comments + str(table.to_csv(index=False, float_format=f"%.{CSV_DIGITS}g", lineterminator="\n"))


def _write_latex(table: pd.DataFrame, about: dict[str, str]) -> str:
    alignment = "".join("r" if _is_number(table[column]) else "l" for column in table.columns)
    lines = [" & ".join(map(escape_latex, map(str, table.columns))) + r" \\ \hline"]
    lines += [" & ".join(escape_latex(cell) for cell in row) + r" \\" for row in _cells(table)]
    caption = escape_latex(". ".join(value.rstrip(".") for value in about.values()))
    head = ["\\begin{table}", "\\centering", *([f"\\caption{{{caption}.}}"] if caption else [])]
    body = [f"\\begin{{tabular}}{{{alignment}}}", "\\hline", *lines, "\\hline", "\\end{tabular}", "\\end{table}"]
    return "\n".join([*head, *body]) + "\n"


def _write_markdown(table: pd.DataFrame, about: dict[str, str]) -> str:
    def row(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    ruler = "|" + "|".join("---:" if _is_number(table[column]) else "---" for column in table.columns) + "|"
    lines = [row([str(column) for column in table.columns]), ruler, *map(row, _cells(table))]
    caption = ". ".join(value.rstrip(".") for value in about.values())
    return "\n".join([*([f"{caption}.", ""] if caption else []), *lines]) + "\n"


def escape_latex(text: str) -> str:
    """A text for LaTeX, its special signs as what prints them.

    >>> print(escape_latex("v_1 & 50 %"))
    v\\_1 \\& 50 \\%
    """
    return _SPECIAL.sub(lambda found: _LATEX[found[0]], text)


def _cells(table: pd.DataFrame) -> list[list[str]]:
    return [[_say(value) for value in row] for row in table.itertuples(index=False, name=None)]


def _say(value: Any) -> str:
    """A value in at most four digits; whole numbers and words as they are, nothing for what is missing."""
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        return f"{float(value):.0f}" if abs(value) >= 10**PAGE_DIGITS else f"{float(value):.{PAGE_DIGITS}g}"
    return " ".join(str(value).split())


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


WRITERS: dict[str, Callable[[pd.DataFrame, dict[str, str]], str]] = {
    "csv": _write_csv,
    "tex": _write_latex,
    "md": _write_markdown,
}
