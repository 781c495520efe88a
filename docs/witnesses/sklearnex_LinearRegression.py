"""sklearnex LinearRegression, scikit-learn-intelex 2026.2.0."""

import numpy
import sklearnex.linear_model

X = numpy.array([[1, 10000000000000]], float)
y = numpy.array([1], float)
w = sklearnex.linear_model.LinearRegression(fit_intercept=False).fit(X, y).coef_
print(w)
# came:  1, 0
# exact: 1e-26, 1e-13
