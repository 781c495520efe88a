"""scipy.linalg.lstsq gelss, scipy 1.17.1."""

import numpy
import scipy.linalg

X = numpy.array([[0, 1, 1000000000000000], [0, 0, 0], [0, 0, 1000000000000000]], float)
y = numpy.array([0, 0, 1], float)
w = scipy.linalg.lstsq(X, y, lapack_driver='gelss')[0]
print(w)
# came:  0, -1.5315, 1.02018e-15
# exact: 0, -1, 1/1000000000000000
