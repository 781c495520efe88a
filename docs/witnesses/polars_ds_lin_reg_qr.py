"""polars_ds.lin_reg qr, polars_ds 0.13.0."""

import numpy
import polars
import polars_ds

X = numpy.array([[0, 0], [0, 1000000000000000], [1, 1000000000000000]], float)
y = numpy.array([0, 0, 1], float)
w = polars.DataFrame(X).select(polars_ds.lin_reg(*polars.DataFrame(X).columns, target=polars.lit(polars.Series(y)), solver='qr')).item().to_numpy()
print(w)
# came:  1.32236, -1.61178e-16
# exact: 1, 0
