"""What a report says of who is cheaper: under every preset, by the price that reverses it, and by four critics."""

from __future__ import annotations

import html

import pandas as pd

from workbench.evaluation import criticise, describe_reversing_price, summarise_bounds, tabulate_reversing_prices
from workbench.study.page import table_to_html


def judge_costs(costs: pd.DataFrame) -> list[str]:
    """The verdicts on a table of `wb.compare`, as parts of a page."""
    reversing, critics = tabulate_reversing_prices(costs), criticise(costs)
    verdicts = [describe_reversing_price(row) for _, row in reversing.iterrows()]
    bounds = [
        f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in critics[["low", "high"]].to_numpy()
    ]
    said = critics[["model", "critic", "quantity", "value"]].assign(bound=bounds, verdict=critics["verdict"])
    return [
        "<h3>Which is cheaper, and at which price that reverses</h3>",
        table_to_html(reversing[["model", "against", "preset"]].assign(verdict=verdicts), "words"),
        f"<h3>What critics say</h3><p>{html.escape(summarise_bounds(costs))}</p>",
        table_to_html(said.round({"value": 3}), "words"),
        table_to_html(critics[["critic", "source"]].drop_duplicates(), "words"),
    ]
