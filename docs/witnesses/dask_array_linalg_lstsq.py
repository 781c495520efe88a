"""dask.array.linalg.lstsq, dask 2026.8.0."""

import numpy
import dask.array.linalg

X = numpy.array([[1, 1], [1, 1]], float)
y = numpy.array([0, 1], float)
w = dask.array.linalg.lstsq(dask.array.asarray(X), dask.array.asarray(y))[0].compute()
print(w)
# came:  1.49044e+16, -1.49044e+16
# exact: 1/4, 1/4
