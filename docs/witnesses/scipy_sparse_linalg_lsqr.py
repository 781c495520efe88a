"""scipy.sparse.linalg.lsqr, scipy 1.17.1."""

import numpy
import scipy.sparse.linalg

X = numpy.array([[10000000000, 0], [0, 0], [0, 1]], float)
y = numpy.array([1, 0, 1], float)
w = scipy.sparse.linalg.lsqr(X, y)[0]
print(w)
# came:  1e-10, 1e-20
# exact: 1/10000000000, 1
