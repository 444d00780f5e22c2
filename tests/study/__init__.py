"""Tests of workbench/study."""
