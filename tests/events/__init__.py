"""Tests of workbench/events."""
