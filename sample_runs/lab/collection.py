"""Collection: every sample run, declared."""

from dataclasses import replace

from sample_runs.lab import configuration_places, dialects
from sample_runs.lab.demonstrations import Task
from sample_runs.lab.interventions.corrupted_labels import CorruptedLabels
from sample_runs.lab.interventions.epoch_boundary import EpochBoundary
from sample_runs.lab.interventions.hard_batch import HardBatch
from sample_runs.lab.interventions.log_std_drop import LogStdDrop
from sample_runs.lab.interventions.log_std_ramp import LogStdRamp
from sample_runs.lab.interventions.loss_scale import LossScale
from sample_runs.lab.interventions.lr_step import LrStep
from sample_runs.lab.interventions.lr_warm_restart import LrWarmRestart
from sample_runs.lab.interventions.non_finite import NonFinite
from sample_runs.lab.interventions.remedy import Remedy
from sample_runs.lab.interventions.resume import Resume
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.sample_run import SampleRun
from sample_runs.lab.truth import Truth

REFERENCE = Recipe()
CALM = Recipe(batch_size=32)

UNDISTURBED = Remedy(
    Truth(
        "None: 418 transitions of one trajectory, batch 256, Adam at a constant 3e-4, 20,000 updates.",
        "A smaller batch, a sigma floor or a decaying learning rate each take most of its spikes away, "
        "so it has several necessary conditions and no single cause.",
        kind=("train", "transient"),
        coupling="decoupled",
        primary_cause=("batch-ratio", "log-std-drift", "grad-explosion", "unexplained"),
        scored=False,
    )
)

RECORDED = Remedy(
    Truth(
        "None: the reference again, with a flight recorder whose file on its largest spike lies beside.",
        "At the peak 99 % of the rise lies in the gripper, on all 418 transitions (lab/main_jump.csv).",
        kind=("train", "transient"),
        coupling="decoupled",
        primary_cause="degenerate-dimension",
        scored=False,
    )
)


def calm(intervention: str, why: str) -> Remedy:
    """A training in which nothing must be found."""
    return Remedy(Truth(intervention, why))


def partial(intervention: str, why: str) -> Remedy:
    """A remedy that leaves some spikes: without an intervention at their step, nothing is scored."""
    causes = ("batch-ratio", "log-std-drift", "grad-explosion", "unexplained")
    kinds = ("train", "transient")
    return Remedy(
        Truth(intervention, why, kind=kinds, coupling="decoupled", primary_cause=causes, scored=False)
    )


REMEDIES = (
    SampleRun("bc_single_trajectory", REFERENCE, UNDISTURBED),
    SampleRun("bc_single_trajectory_full", REFERENCE, UNDISTURBED, dialects.HIL_SERL_FULL),
    SampleRun("bc_single_trajectory_recorded", REFERENCE, RECORDED, incident=(15_500, 15_510)),
    SampleRun(
        "bc_batch_64",
        replace(REFERENCE, batch_size=64),
        partial("Batch 64 instead of 256: 15 % of the dataset.", "Fewer and smaller spikes remain."),
        dialects.HIL_SERL_FULL,
        configuration_places.hparams_yaml,
    ),
    SampleRun(
        "bc_batch_32",
        CALM,
        calm(
            "Batch 32 instead of 256: 7.7 % of the dataset.",
            "No excursion of this training reaches 8 robust sigma.",
        ),
    ),
    SampleRun(
        "bc_all_trajectories",
        replace(REFERENCE, trajectories=5),
        partial("All 5 trajectories, 2,090 transitions, instead of one.", "Spikes remain."),
        dialects.HIL_SERL_FULL,
        configuration_places.hydra,
    ),
    SampleRun(
        "bc_weighted_sampling",
        replace(REFERENCE, sampling="weighted"),
        partial("Transitions are drawn by their action error instead of uniformly.", "Spikes remain."),
        dialects.HIL_SERL_FULL,
        configuration_places.text_args,
    ),
    SampleRun(
        "bc_lr_decay",
        replace(REFERENCE, schedule="cosine"),
        partial("Cosine decay of the learning rate to zero.", "Only early and small spikes remain."),
        dialects.HIL_SERL_FULL,
        configuration_places.config_yaml,
    ),
    SampleRun(
        "bc_sigma_floor",
        replace(REFERENCE, std_min=0.05),
        calm("Sigma cannot fall below 0.05.", "Without tiny sigmas no error is worth tens of nats."),
        dialects.HIL_SERL_FULL,
        configuration_places.text_table,
    ),
)

INJECTED = (
    SampleRun(
        "lr_step",
        replace(CALM, seed=11),
        LrStep(12_000, 6.0),
        dialects.CLEANRL,
        configuration_places.text_table,
    ),
    SampleRun(
        "lr_warm_restart",
        replace(CALM, seed=12),
        LrWarmRestart(12_000, 1e-3),
        dialects.SB3,
        configuration_places.hydra,
    ),
    SampleRun(
        "log_std_drop",
        replace(CALM, seed=13),
        LogStdDrop(13_000, 1.0),
        dialects.RSL_RL,
        configuration_places.hydra,
    ),
    SampleRun(
        "log_std_ramp",
        replace(CALM, seed=14, learning_rate=1e-4),
        LogStdRamp(8_000, 16_000, 6.0),
        dialects.HIL_SERL_TF2,
        configuration_places.hparams_yaml,
    ),
    SampleRun(
        "hard_batch",
        replace(CALM, seed=15),
        HardBatch((11_000, 14_570, 17_030), 4, 0.6),
        dialects.IMITATION,
        configuration_places.config_json,
        subfolder="tb",
    ),
    SampleRun(
        "resume",
        replace(CALM, seed=16),
        Resume(12_999, 13_600),
        dialects.HIL_SERL_FULL,
        configuration_places.text_args,
    ),
    SampleRun(
        "corrupted_labels",
        replace(CALM, seed=17),
        CorruptedLabels(14_000, 0.25),
        dialects.HIL_SERL_FULL,
        configuration_places.hparams_plugin,
    ),
    SampleRun(
        "non_finite",
        replace(CALM, seed=18),
        NonFinite(15_000),
        dialects.SB3,
        configuration_places.hparams_yaml,
    ),
    SampleRun(
        "loss_scale",
        replace(CALM, seed=19),
        LossScale(12_000, backoff=2.0**-7),
        dialects.HIL_SERL_FULL | {"loss_scale": "bc/loss_scale"},
    ),
    SampleRun(
        "epoch_boundary",
        replace(
            CALM, seed=20, transitions=385, sampling="epochs", std_min=0.02, task=Task(tremor=0.05, jerk=0.3)
        ),
        EpochBoundary(1, 13),
        dialects.CLEANRL | {"epoch": "charts/epoch"},
        configuration_places.text_table,
    ),
)

SILENT = (
    SampleRun(
        "calm",
        replace(CALM, seed=21, std_min=0.02, task=Task(seed=1)),
        calm("None: another task, batch 32, sigma not below 0.02.", "Nothing is disturbed."),
        dialects.RSL_RL,
        configuration_places.nowhere,
    ),
    SampleRun(
        "calm_cosine",
        replace(CALM, seed=22, batch_size=64, trajectories=3, schedule="cosine", std_min=0.02),
        calm(
            "None: three trajectories, batch 64, cosine decay, sigma not below 0.02.", "Nothing is disturbed."
        ),
        dialects.IMITATION,
        configuration_places.hparams_plugin,
    ),
)

COLLECTION = (*REMEDIES, *INJECTED, *SILENT)
