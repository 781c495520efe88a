"""jax.numpy.linalg.pinv, jax 0.10.2."""

import numpy
import jax.numpy.linalg
import jax

jax.config.update('jax_enable_x64', True)

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 200000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = jax.numpy.linalg.pinv(X) @ y
print(w)
# came:  0, 0, 0
# exact: 0, 1, 0
