"""Tests of tests/browser."""
