"""What goes beyond one machine, measured: `python -m benchmarks.scale` writes its parts of docs/scale.md."""
