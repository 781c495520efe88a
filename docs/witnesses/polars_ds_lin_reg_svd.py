"""polars_ds.lin_reg svd, polars_ds 0.13.0."""

import numpy
import polars
import polars_ds

X = numpy.array([[0, 0], [0, 100000000], [1, 1]], float)
y = numpy.array([0, 0, 1], float)
w = polars.DataFrame(X).select(polars_ds.lin_reg(*polars.DataFrame(X).columns, target=polars.lit(polars.Series(y)), solver='svd')).item().to_numpy()
print(w)
# came:  0.707107, 1e-16
# exact: 1, 0
