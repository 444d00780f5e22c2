"""Tests of tests/model."""
