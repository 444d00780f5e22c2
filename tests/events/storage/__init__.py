"""Tests of tests/events/storage."""
