"""Tests of tests/analysis."""
