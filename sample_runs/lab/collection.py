"""Collection: every sample run, declared."""

from sample_runs.lab.interventions.remedy import Remedy
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.specimen import Specimen
from sample_runs.lab.truth import Truth

REFERENCE = Specimen(
    "bc_single_trajectory",
    Recipe(),
    Remedy(
        Truth(
            "None: 418 transitions of one trajectory, batch 256, Adam at a constant 3e-4, 20,000 updates.",
            "The same training with batch 32, with a sigma floor or with a decaying learning rate stays calm, "
            "so each of these conditions is necessary and none of them alone is the cause.",
            kind=("train", "transient"),
            coupling="decoupled",
            primary_cause=("batch-ratio", "log-std-drift", "grad-explosion", "unexplained"),
            scored=False,
        )
    ),
)

REMEDIES = (
    Specimen(
        "bc_batch_32",
        Recipe(batch_size=32),
        Remedy(
            Truth(
                "Batch 32 instead of 256 (7.7 % of the dataset), nothing else changed.",
                "Trained with this batch, no seed of the study showed a spike.",
            )
        ),
    ),
)

COLLECTION = (REFERENCE, *REMEDIES)
