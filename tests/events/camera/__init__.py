"""Tests of workbench/events/camera."""
