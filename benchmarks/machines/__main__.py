"""Do the reports say the same on other processors and Pythons? `python -m benchmarks.machines [PYTHON...]`.

Runs the tests of the reports and of the sample runs once per setting: OpenBLAS and NumPy are told which
instructions the processor has, and every PYTHON that is named runs them too (it needs the extra `dev`).
Prints one line a setting and exits with 1 if any of them failed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).parents[2]
TESTS = ("tests/test_reports.py", "tests/test_sample_runs.py")
DISPATCHED = " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))
SETTINGS = {
    "as it is": {},
    "OpenBLAS for Prescott (SSE3)": {"OPENBLAS_CORETYPE": "Prescott"},
    "OpenBLAS for Sandy Bridge (AVX)": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "NumPy without " + (DISPATCHED or "nothing"): {"NPY_DISABLE_CPU_FEATURES": DISPATCHED},
    "both, one thread": {
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": DISPATCHED,
        "OPENBLAS_NUM_THREADS": "1",
    },
}


def tested(python: str, setting: dict[str, str]) -> tuple[bool, str]:
    """Whether the tests pass with one interpreter and setting, and pytest's last line."""
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **setting}, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, (done.stdout or done.stderr).strip().splitlines()[-1]


def version(python: str) -> str:
    """What an interpreter and its NumPy, SciPy and Matplotlib call themselves."""
    names = "platform, numpy, scipy, matplotlib"
    words = "platform.python_version(), numpy.__version__, scipy.__version__, matplotlib.__version__"
    code = f"import {names}; print('Python {{}}, NumPy {{}}, SciPy {{}}, Matplotlib {{}}'.format({words}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Run every setting with this interpreter, and the tests as they are with the others."""
    jobs = [(sys.executable, name, setting) for name, setting in SETTINGS.items()]
    jobs += [(python, "as it is", {}) for python in sys.argv[1:]]
    passed = []
    for python, name, setting in jobs:
        start = time.perf_counter()
        good, said = tested(python, setting)
        passed.append(good)
        took = time.perf_counter() - start
        print(f"{version(python):62} {name:34} {said} [{took:.0f} s]", flush=True)
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
