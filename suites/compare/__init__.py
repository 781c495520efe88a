"""Did it change? Two builds measured in processes that take turns, until a verdict holds.

    python -m suites.compare BASE [HEAD]

docs/compare.md says what the verdicts mean and how they were proven. What drives the comparison
needs asv and neither NumPy nor the kernels; `measure` alone runs in the environment that is
measured.
"""
