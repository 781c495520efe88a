"""numpy.linalg.pinv, numpy 2.4.6."""

import numpy
import numpy.linalg

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 1000000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = numpy.linalg.pinv(X) @ y
print(w)
# came:  0, 0, 0
# exact: 0, 1, 0
