"""scipy.optimize.lsq_linear, scipy 1.17.1."""

import numpy
import scipy.optimize

X = numpy.array([[0, 10000000000000000, 0], [0, 0, 1]], float)
y = numpy.array([0, 1], float)
w = scipy.optimize.lsq_linear(X, y).x
print(w)
# came:  0, 0, 0
# exact: 0, 0, 1
