"""sklearn Ridge lsqr, scikit-learn 1.9.1, alpha = 1."""

import numpy
import sklearn.linear_model

X = numpy.array([[10000000000, 0], [0, 0], [0, 1]], float)
y = numpy.array([1, 0, 1], float)
w = sklearn.linear_model.Ridge(solver='lsqr', fit_intercept=False).fit(X, y).coef_
print(w)
# came:  1e-10, 1e-20
# exact: 10000000000/100000000000000000001, 1/2
