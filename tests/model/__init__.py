"""Tests of workbench/model."""
