"""sklearn LinearRegression, scikit-learn 1.9.1."""

import numpy
import sklearn.linear_model

X = numpy.array([[0, 1], [0, 0], [0, 0], [10000000000, 0]], float)
y = numpy.array([1, 0, 0, 0], float)
w = sklearn.linear_model.LinearRegression(fit_intercept=False).fit(X, y).coef_
print(w)
# came:  0, 0
# exact: 0, 1
