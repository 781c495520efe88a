"""sklearnex Ridge, scikit-learn-intelex 2026.2.0, alpha = 1."""

import numpy
import sklearnex.linear_model

X = numpy.array([[1000000000000, 100000000000]], float)
y = numpy.array([1], float)
w = sklearnex.linear_model.Ridge(fit_intercept=False).fit(X, y).coef_
print(w)
# came:  5e-13, 5e-12
# exact: 9.9009900990099e-13, 9.9009900990099e-14
