"""Tests of tests/events/camera."""
