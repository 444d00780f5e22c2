"""Panels and notebooks in a real browser."""
