"""What each remedy did when it was measured: spikes per 20,000 updates, the mean of three trainings each.

From `sample_runs/lab/study.csv`, where one setting of the reference training is changed at a time; a test
holds the figures to that file. One architecture and one task: an order to try things in, not a law.
"""

from types import MappingProxyType

REFERENCE = "reference"
FLOOR = "sigma floor 0.05"
CLIP = "gradient norm clipped at 1"
SMALL_BATCH = "batch 64"
BETA2 = "beta2 0.95"
DECAY = "cosine decay to 0"
WEIGHTED = "weighted sampling"
MORE_SAMPLES = "5 trajectories"

SPIKES = MappingProxyType(
    {
        REFERENCE: 10.3,
        FLOOR: 0.0,
        CLIP: 0.3,
        BETA2: 1.0,
        SMALL_BATCH: 1.7,
        DECAY: 3.0,
        WEIGHTED: 14.0,
        MORE_SAMPLES: 22.7,
    }
)


def rank(remedy: str) -> int:
    """The place of a remedy, 1 for the one that left the fewest spikes."""
    return 1 + sum(SPIKES[other] < SPIKES[remedy] for other in SPIKES)


def prevented(remedy: str) -> float:
    """Share of the reference's spikes that the remedy prevented, in [0, 1]: the attributable fraction.

    References: Levin (1953), Acta Unio Int. Contra Cancrum 9, 531.
    """
    return max(0.0, 1 - SPIKES[remedy] / SPIKES[REFERENCE])
