"""Widgets: panels of controls bound to figures."""

from workbench.widgets.lattice import RolloutsPanel, rollouts

__all__ = ["RolloutsPanel", "rollouts"]
