"""sklearn Ridge svd, scikit-learn 1.9.1, alpha = 1."""

import numpy
import sklearn.linear_model

X = numpy.array([[100000000000000, 1, 1], [0, 0, 0], [0, 0, 0], [100000000000000, 0, 0]], float)
y = numpy.array([0, 0, 0, 1], float)
w = sklearn.linear_model.Ridge(solver='svd', fit_intercept=False).fit(X, y).coef_
print(w)
# came:  5e-15, -0.25, -0.25
# exact: 7.5e-15, -0.25, -0.25
