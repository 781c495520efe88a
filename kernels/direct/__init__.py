"""Direct solvers that go beyond the ways: faster on tall X, or right to the last digit."""
