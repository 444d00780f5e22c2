"""Tests of tests/evaluation/anytime."""
