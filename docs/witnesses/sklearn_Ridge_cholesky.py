"""sklearn Ridge cholesky, scikit-learn 1.9.1, alpha = 1."""

import numpy
import sklearn.linear_model

X = numpy.array([[10000000000, 10000000000], [10000000000, 10000000000]], float)
y = numpy.array([0, 1], float)
w = sklearn.linear_model.Ridge(solver='cholesky', fit_intercept=False).fit(X, y).coef_
print(w)
# came:  1.92298e-07, -1.92248e-07
# exact: 2.5e-11, 2.5e-11
