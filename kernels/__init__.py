"""Four ways to compute the gradient of linear regression, behind one contract.

>>> from kernels import LeastSquares, WAYS
>>> problem = LeastSquares([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0])
>>> WAYS["numpy"](problem).gradient([0.0, 0.0]).tolist()
[-6.0, -8.666666666666666]
"""

from kernels.descent.methods import METHODS, descend
from kernels.descent.stopping import Progress, Stopping
from kernels.direct.minimum_norm import minimum_norm
from kernels.direct.refined import refined
from kernels.problem import Array, LeastSquares
from kernels.registry import WAYS
from kernels.solution import Solution
from kernels.way import Way

__all__ = [
    "METHODS",
    "WAYS",
    "Array",
    "LeastSquares",
    "Progress",
    "Solution",
    "Stopping",
    "Way",
    "descend",
    "minimum_norm",
    "refined",
]
