"""The compiled kernels of the numba way. Read `plain` first: the others are the same, faster."""
