"""The baseline of a check: read before, written after."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from spikediag.cli.output import write_file
from spikediag.cli.terminal import note
from spikediag.errors import UsageError

if TYPE_CHECKING:
    from spikediag.policy import Acceptance, Gate


@dataclass(frozen=True)
class Baseline:
    """What is accepted, and where to write what is accepted from today on."""

    accepted: "tuple[Acceptance, ...]"
    target: Path | None
    reason: str
    expires: date | None

    @classmethod
    def open(cls, source: Path | None, target: Path | None, reason: str, expires: date | None) -> Self:
        """Read the baseline; a target that exists is a baseline, and what it says stays.

        Raises:
            UsageError: a file is missing or malformed, or a reason is given with nothing to write it to.
        """
        from spikediag.policy import baseline_file

        if target is None and (reason or expires):
            raise UsageError("--reason and --expires belong to --write-baseline FILE; give that too.")
        if source is None and target is not None and target.exists():
            source = target
        elif target is not None and target.exists() and not target.samefile(source or target):
            baseline_file.load(target)
        return cls(baseline_file.load(source) if source else (), target, reason, expires)

    def applied(self, gate: "Gate") -> "Gate":
        """The check with accepted spikes pardoned; writes the new baseline when asked to."""
        gate = self._pardoned(gate, self.accepted)
        if self.target is None:
            return gate
        from spikediag.policy import baseline, baseline_file

        names = [ruling.diagnosis.run.name for ruling in gate.rulings]
        elsewhere = [a for a in self.accepted if not a.concerns(names)]
        accepted = (*elsewhere, *baseline.accept(gate.rulings, self.reason, self.expires))
        write_file(self.target, baseline_file.dump(accepted))
        note(f"wrote {self.target}: {len(accepted)} accepted")
        return self._pardoned(gate, accepted)

    def _pardoned(self, gate: "Gate", accepted: "tuple[Acceptance, ...]") -> "Gate":
        from spikediag.policy import baseline

        today = datetime.now(UTC).date()
        rulings = tuple(baseline.apply(ruling, accepted, today) for ruling in gate.rulings)
        return replace(gate, rulings=rulings, stale=baseline.stale(accepted, rulings))
