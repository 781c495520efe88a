"""torch.linalg.pinv, torch 2.13.0+cpu."""

import numpy
import torch.linalg

X = numpy.array([[0, 1, 0], [0, 0, 0], [0, 0, 2000000000000000]], float)
y = numpy.array([1, 0, 0], float)
w = (torch.linalg.pinv(torch.tensor(X)) @ torch.tensor(y)).numpy()
print(w)
# came:  0, 0, 0
# exact: 0, 1, 0
