"""One file for each library, in `libraries`: its routines of least squares and ridge.

That folder is no package: asv imports all packages of `suites`, and is to import none of these.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from suites.conform.routine import Routine

# By name: the module here, and the package whose version counts.
LIBRARIES = {
    "numpy": ("of_numpy", "numpy"),
    "scipy": ("of_scipy", "scipy"),
    "torch": ("of_torch", "torch"),
    "jax": ("of_jax", "jax"),
    "scikit-learn": ("of_scikit_learn", "scikit-learn"),
    "statsmodels": ("of_statsmodels", "statsmodels"),
    "lineax": ("of_lineax", "lineax"),
    "dask": ("of_dask", "dask"),
    "polars_ds": ("of_polars_ds", "polars_ds"),
    "scikit-learn-intelex": ("of_scikit_learn_intelex", "scikit-learn-intelex"),
    "fourways": ("of_fourways", "fourways"),
}


def version_of(library: str) -> str | None:
    """Return the version that is installed; None where there is none."""
    package = LIBRARIES[library][1]
    return version(package) if is_installed(package) else None


def is_installed(package: str) -> bool:
    """Return whether a package is there, without importing it."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def routines(library: str) -> dict[str, Routine]:
    """Return the routines of a library by name. It is imported here."""
    module = import_module(f"suites.conform.libraries.{LIBRARIES[library][0]}")
    return {routine.name: routine for routine in module.ROUTINES}
