"""The asv benchmarks, and what they stand on: problems, truth, timing."""
