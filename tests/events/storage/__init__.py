"""Tests of workbench/events/storage."""
