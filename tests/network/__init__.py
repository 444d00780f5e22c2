"""Tests of workbench/network."""
