"""Tests of workbench/conversion."""
