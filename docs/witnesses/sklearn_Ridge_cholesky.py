"""sklearn Ridge cholesky, scikit-learn 1.9.1, alpha = 1."""

import numpy
import sklearn.linear_model

X = numpy.array([[10000000000, 0, 0], [10000000000, 0, 1]], float)
y = numpy.array([0, 1], float)
w = sklearn.linear_model.Ridge(solver='cholesky', fit_intercept=False).fit(X, y).coef_
print(w)
# came:  5e-11, 0, 2.5e-21
# exact: 3.33333333333333e-11, 0, 0.333333333333333
