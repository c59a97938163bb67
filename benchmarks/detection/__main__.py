"""`python -m benchmarks.detection [--from-saved]`: measure, save results.json, rewrite the README."""

import json
import sys
from pathlib import Path

from benchmarks.detection import measure
from benchmarks.detection.lengths import by_length
from benchmarks.detection.report import rewrite

SAVED = Path(__file__).with_name("results.json")


def main() -> None:
    if "--from-saved" not in sys.argv:
        results = {
            "lengths": by_length(),
            "run_time": measure.run_time(),
            "reference": measure.reference_case(),
            "short": measure.short_runs(),
            "slow": measure.slow_false_alarms(),
            "false": measure.false_alarms(),
            "recall": measure.recall(),
        }
        SAVED.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    rewrite(json.loads(SAVED.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
