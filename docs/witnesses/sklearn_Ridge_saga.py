"""sklearn Ridge saga, scikit-learn 1.9.1, alpha = 1."""

import numpy
import sklearn.linear_model

X = numpy.array([[0], [1], [0]], float)
y = numpy.array([0, 1, 0], float)
w = sklearn.linear_model.Ridge(solver='saga', fit_intercept=False, random_state=0).fit(X, y).coef_
print(w)
# came:  0
# exact: 1/2
