"""torch.linalg.lstsq gelsy, torch 2.13.0+cpu."""

import numpy
import torch.linalg

X = numpy.array([[0, 1]], float)
y = numpy.array([1], float)
answers = {tuple(torch.linalg.lstsq(torch.tensor(X), torch.tensor(y)[:, None], driver='gelsy').solution[:, 0].numpy()) for _ in range(60)}
print(answers)
# came:  0, 0 or 0, 1
# exact: 0, 1
