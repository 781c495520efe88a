"""Four ways to compute the gradient of linear regression, behind one contract.

>>> from kernels import LeastSquares, WAYS
>>> problem = LeastSquares([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0])
>>> WAYS["numpy"](problem).gradient([0.0, 0.0]).tolist()
[-6.0, -8.666666666666666]
"""

from kernels._contract import Solution, Way
from kernels._descent import METHODS, descend
from kernels._minimum_norm import minimum_norm
from kernels._problem import Array, LeastSquares
from kernels._refined import refined
from kernels._registry import WAYS
from kernels._stopping import Progress, Stopping

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
