"""Tests of tests/study."""
