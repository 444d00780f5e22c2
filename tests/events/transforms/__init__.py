"""Tests of workbench/events/transforms."""
