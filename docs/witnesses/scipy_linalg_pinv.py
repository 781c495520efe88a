"""scipy.linalg.pinv, scipy 1.17.1."""

import numpy
import scipy.linalg

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 2000000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = scipy.linalg.pinv(X) @ y
print(w)
# came:  0, 0, 0
# exact: 0, 1, 0
