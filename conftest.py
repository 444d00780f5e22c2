"""What every test may use: the names of docstrings' examples, and a notebook's way to show figures."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import plotly.io as pio
import pytest
import torch

import workbench

pytest.register_assert_rewrite("tests.support")


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update({name: getattr(workbench, name) for name in workbench.__all__})
    doctest_namespace.update(wb=workbench, torch=torch, np=np, pd=pd)


@pytest.fixture
def notebook_renderer() -> Iterator[None]:
    """Figures show themselves as they do in a notebook."""
    before = pio.renderers.default
    pio.renderers.default = "plotly_mimetype"
    yield
    pio.renderers.default = before
