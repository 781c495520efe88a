"""scipy.linalg.lstsq gelsd, scipy 1.17.1."""

import numpy
import scipy.linalg

X = numpy.array([[0, 1, 1000000000000000], [0, 0, 0], [0, 0, 1000000000000000]], float)
y = numpy.array([0, 0, 1], float)
w = scipy.linalg.lstsq(X, y, lapack_driver='gelsd')[0]
print(w)
# came:  0, -1.5315, 9.16154e-16
# exact: 0, -1, 1/1000000000000000
