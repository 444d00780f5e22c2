"""How the library is built: `python -m benchmarks.architecture` writes docs/architecture.md and its picture."""

from __future__ import annotations

import ast
from collections import Counter
from importlib import import_module
from pathlib import Path

import networkx
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from benchmarks.tables import markdown
from workbench import figures

ROOT = Path(__file__).parents[1]
PACKAGE, DOCS = ROOT / "workbench", ROOT / "docs"
TEXT, PICTURE = Path(__file__).with_suffix(".md"), "architecture.png"

WINGS = (
    "sweeps", "events", "network", "engine", "model", "evaluation", "conversion", "exchange", "training", "analysis",
    "figures", "study", "widgets",
)  # fmt: skip
"""From the ground up: each imports only those before it, which tests/test_house.py holds."""


def main() -> None:
    """Draw the picture and write the page."""
    imports = count_imports()
    figure = draw(imports)
    figures.save(figure, DOCS / "images" / PICTURE)
    page = TEXT.read_text(encoding="utf-8").format(
        alt=figure.layout.meta["alt"],
        picture=PICTURE,
        wings=markdown(tabulate().set_index("wing")),
    )
    (DOCS / "architecture.md").write_text(page, encoding="utf-8")
    print(f"written: {DOCS / 'architecture.md'}")


def count_imports() -> Counter[tuple[str, str]]:
    """How many names each wing imports from each other one, lazily and for type checking as well."""
    found: Counter[tuple[str, str]] = Counter()
    for path in PACKAGE.rglob("*.py"):
        wing, *rest = path.relative_to(PACKAGE).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if rest else ():
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workbench"):
                for alias in node.names:
                    other = f"{node.module}.{alias.name}".split(".")[1]
                    if other != wing and (PACKAGE / other).is_dir():
                        found[wing, other] += 1
    return found


def tabulate() -> pd.DataFrame:
    """A row per wing: its idea, as its face says it, and its size."""
    rows = []
    for wing in WINGS:
        files = sorted((PACKAGE / wing).rglob("*.py"))
        lines = sum(path.read_text(encoding="utf-8").count("\n") for path in files)
        idea = (import_module(f"workbench.{wing}").__doc__ or "").splitlines()[0]
        rows.append({"wing": f"`{wing}/`", "its idea": idea, "files": len(files), "lines": f"{lines:,}"})
    return pd.DataFrame(rows)


def draw(imports: Counter[tuple[str, str]]) -> go.Figure:
    """The wings from the ground up, an arc for every import, thicker for more names.

    Arcs that follow from others, because who is imported imports it as well, are pale.
    """
    needed = set(networkx.transitive_reduction(networkx.DiGraph(imports.keys())).edges)
    figure = go.Figure()
    for (above, below), count in sorted(imports.items(), key=lambda item: item[0] in needed):
        high, low = WINGS.index(above), WINGS.index(below)
        angle = np.linspace(np.pi / 2, -np.pi / 2, 120)
        reach = (high - low) / 2
        strong = (above, below) in needed
        figure.add_scatter(
            x=0.2 + reach * 0.9 * np.cos(angle), y=(high + low) / 2 + reach * np.sin(angle), mode="lines",
            line={
                "width": (1 + np.log2(count)) * (1 if strong else 0.35), "simplify": False,
                "color": "#0072B2" if strong else "#c9c9c9",
            },
            hovertext=f"{above} imports {count} names of {below}", hoverinfo="text", name=f"{above} -> {below}",
        )  # fmt: skip
    figure.add_scatter(
        x=[0.0] * len(WINGS), y=list(range(len(WINGS))), mode="markers+text", text=[f"<b>{wing}</b>" for wing in WINGS],
        textposition="middle left", textfont={"size": 15}, marker={"size": 11, "color": "#1a1a1a"}, name="wings",
    )  # fmt: skip
    title = "Wings from the ground up, and who imports whom"
    figure.update_layout(
        title=title, template="plotly_white", showlegend=False, width=760, height=620,
        margin={"l": 20, "r": 20, "b": 20, "t": 60},
        meta={"alt": f"{title}: {', '.join(WINGS)}; every arc leads from a wing down to one that it imports."},
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1.9, 5.6]).update_yaxes(visible=False)
    return figure


if __name__ == "__main__":
    main()
