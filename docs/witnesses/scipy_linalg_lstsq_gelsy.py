"""scipy.linalg.lstsq gelsy, scipy 1.17.1."""

import numpy
import scipy.linalg

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 10000000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = scipy.linalg.lstsq(X, y, lapack_driver='gelsy')[0]
print(w)
# came:  0, 0, -0
# exact: 0, 1, 0
