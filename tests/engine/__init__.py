"""Tests of tests/engine."""
