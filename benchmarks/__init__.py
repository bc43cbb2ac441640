"""How fast and how lean, as ratios against the bare parts in one run: `python -m benchmarks`."""
