"""statsmodels OLS pinv, statsmodels 0.15.0."""

import numpy
import statsmodels.api

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 1000000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = statsmodels.api.OLS(y, X).fit().params
print(w)
# came:  0, 0, 0
# exact: 0, 1, 0
