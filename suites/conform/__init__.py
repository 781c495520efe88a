"""Which least squares routine can be trusted: each against what its own documentation says.

A library is one file in `libraries`; what is asked of it stands in `cases`, how it is run and
judged in `trial`, and how a wrong answer is made small in `witness`.
"""
