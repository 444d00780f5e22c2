"""Tests of workbench/analysis."""
