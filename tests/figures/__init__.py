"""Tests of workbench/figures."""
