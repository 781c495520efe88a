"""lineax SVD, lineax 0.1.1."""

import numpy
import lineax
import jax

jax.config.update('jax_enable_x64', True)

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 1000000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = lineax.linear_solve(lineax.MatrixLinearOperator(jax.numpy.asarray(X)), jax.numpy.asarray(y), lineax.SVD()).value
print(w)
# came:  0, 0, 0
# exact: 0, 1, 0
