"""Numerical rank: columns brought to one size, the row space, the solution of least norm."""
