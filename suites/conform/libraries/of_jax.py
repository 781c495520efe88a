"""JAX on the CPU, with 64 bits enabled: by singular values."""

from typing import Any

import numpy as np

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine


def jax_numpy() -> Any:
    """Return jax.numpy with 64 bits."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax.numpy


def lstsq(X: Array, y: Array, rcond: float | None) -> Answer:
    jnp = jax_numpy()
    w, _, rank, _ = jnp.linalg.lstsq(jnp.asarray(X), jnp.asarray(y), rcond=rcond)
    return np.asarray(w), int(rank)


def pinv(X: Array, y: Array, rcond: float | None) -> Answer:
    jnp = jax_numpy()
    return np.asarray(jnp.linalg.pinv(jnp.asarray(X), rtol=rcond) @ jnp.asarray(y)), None


_LSTSQ = "jax.numpy.linalg.lstsq: as numpy.linalg.lstsq, of least norm"
ROUTINES = [
    Routine(
        "jax.numpy.linalg.lstsq",
        lstsq,
        Claim(where=_LSTSQ),
        "jax.numpy.linalg.lstsq(X, y)[0]",
        by_rule=True,
    ),
    Routine(
        "jax.numpy.linalg.pinv",
        pinv,
        Claim(where="the pseudo-inverse"),
        "jax.numpy.linalg.pinv(X) @ y",
        by_rule=True,
    ),
]
