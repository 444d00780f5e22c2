"""Names that every docstring's example may use."""

import numpy as np
import pandas as pd
import pytest
import torch

import workbench


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update({name: getattr(workbench, name) for name in workbench.__all__})
    doctest_namespace.update(wb=workbench, torch=torch, np=np, pd=pd)
