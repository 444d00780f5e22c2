"""Tests of tests/evaluation."""
