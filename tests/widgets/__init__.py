"""Tests of workbench/widgets."""
