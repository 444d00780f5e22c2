"""How fast the engine is, beside its peers and the bare convolutions: `python -m benchmarks.engine` writes a page."""
