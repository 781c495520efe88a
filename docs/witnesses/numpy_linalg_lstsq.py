"""numpy.linalg.lstsq, numpy 2.4.6."""

import numpy
import numpy.linalg

X = numpy.array([[0, 0, 0], [0, 0, 0], [0, 0, 1000000000000000], [0, 1, 1000000000000000]], float)
y = numpy.array([0, 0, 0, 1], float)
w = numpy.linalg.lstsq(X, y)[0]
print(w)
# came:  0, 2.5e-31, 5e-16
# exact: 0, 1, 0
