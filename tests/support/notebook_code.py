"""Code that a notebook runs first, in tests of notebooks and panels."""

from __future__ import annotations

PREPARE = """import workbench as wb
from workbench import figures, widgets
network = wb.Network({"eye": (1,)}, [wb.Edge("eye", "cortex", wb.Dense(1)), wb.Edge("cortex", "hand", wb.Dense(1))])"""
