"""The tags of real libraries (as their own sources write them) and what each must be understood as.

Role by tag; `role:measure` where the measure matters. Every tag that is not listed under a role is `other`.
"""

# ruff: noqa: E501  # a table

LIBRARIES: dict[str, dict[str, str]] = {
    "hil-serl": {
        "bc/actor_loss": "loss:nll", "bc/mse": "companion:squared_error", "bc/total_loss": "loss:total",
        "bc/normalized_mse": "companion:normalized_error",
    },
    "imitation": {
        "bc/neglogp": "loss:nll", "bc/loss": "loss:total", "bc/entropy": "entropy", "bc/ent_loss": "entropy",
        "bc/prob_true_act": "other", "bc/l2_norm": "other", "bc/l2_loss": "other", "batch_size": "samples",
        "bc/epoch": "epoch", "bc/samples_so_far": "samples", "bc/batch": "other", "rollout/return_mean": "reward",
        "rollout/return_std": "other", "rollout/monitor_return_mean": "reward",
    },
    "robomimic": {
        "Train/Loss": "loss", "Train/L2_Loss": "companion:squared_error", "Train/L1_Loss": "companion:absolute_error",
        "Train/Cosine_Loss": "companion", "Valid/Loss": "loss", "Train/Optimizer/policy0_lr": "learning_rate",
        "Train/Policy_Grad_Norms": "grad_norm", "Timing_Stats/Train_Train_Batch": "other",
    },
    "robomimic-likelihood": {
        "Train/Loss": "loss:nll", "Train/Log_Likelihood": "other", "Valid/Loss": "other",
        "Valid/Log_Likelihood": "other", "Train/Policy_Grad_Norms": "grad_norm",
    },
    "ogbench": {
        "training/actor/actor_loss": "loss:nll", "training/actor/mse": "companion:squared_error",
        "training/actor/std": "log_std", "training/actor/bc_log_prob": "other",
    },
    "ogbench-ddpgbc": {
        "training/actor/actor_loss": "loss:total", "training/actor/q_loss": "loss:policy",
        "training/actor/bc_loss": "loss:nll", "training/actor/mse": "companion:squared_error",
        "training/actor/std": "log_std", "training/actor/bc_log_prob": "other",
    },
    "ogbench-port": {"bc/actor_loss": "loss:nll", "bc/mse": "companion:squared_error", "bc/std": "log_std"},
    "rlinf": {
        "train/dagger/actor_loss": "loss", "train/actor/entropy": "entropy", "train/actor/entropy_loss": "entropy",
        "train/actor/lr": "learning_rate", "train/actor/grad_norm": "grad_norm", "train/loss": "loss",
        "train/replay_buffer/size": "samples",
    },
    "stable-baselines3": {
        "train/policy_gradient_loss": "loss:policy", "train/value_loss": "loss:value", "train/loss": "loss:total",
        "train/std": "log_std", "train/entropy_loss": "entropy", "train/learning_rate": "learning_rate",
        "train/approx_kl": "other", "train/clip_fraction": "other", "train/clip_range": "other",
        "train/explained_variance": "other", "rollout/ep_rew_mean": "reward", "rollout/ep_len_mean": "other",
        "time/fps": "other", "train/ent_coef": "other", "train/ent_coef_loss": "other",
        "train/actor_loss": "loss:policy", "train/critic_loss": "loss:value",
    },
    "cleanrl": {
        "losses/policy_loss": "loss:policy", "losses/value_loss": "loss:value", "losses/qf1_loss": "loss:value",
        "losses/td_loss": "loss:value", "losses/entropy": "entropy", "losses/alpha": "other",
        "losses/alpha_loss": "other", "losses/approx_kl": "other", "losses/old_approx_kl": "other",
        "losses/clipfrac": "other", "losses/explained_variance": "other", "losses/qf1_values": "other",
        "charts/learning_rate": "learning_rate", "charts/SPS": "other", "charts/episodic_return": "reward",
        "charts/episodic_length": "other",
    },
    "rsl-rl": {
        "Loss/surrogate": "loss:policy", "Loss/value_function": "loss:value", "Loss/value": "loss:value",
        "Loss/learning_rate": "learning_rate", "Loss/entropy": "entropy", "Loss/behavior": "loss:policy",
        "Loss/symmetry": "loss", "Loss/rnd": "loss", "Policy/mean_noise_std": "log_std", "Policy/mean_std": "log_std",
        "Perf/total_fps": "other", "Perf/learning_time": "other", "Train/mean_reward": "reward",
        "Train/mean_reward/time": "other", "Train/mean_episode_length": "other", "Episode/rew_dof_acc": "other",
        "Episode/rew_torques": "other",
    },
    "skrl": {
        "Loss / Policy loss": "loss:policy", "Loss / Value loss": "loss:value", "Loss / Critic loss": "loss:value",
        "Loss / Entropy loss": "entropy", "Policy / Standard deviation": "log_std",
        "Learning / Learning rate": "learning_rate", "Learning / Policy learning rate": "learning_rate",
        "Coefficient / Entropy coefficient": "other", "Q-network / Q1 (mean)": "other", "Q-network / Q1 (min)": "other",
        "Reward / Total reward (mean)": "reward", "Reward / Instantaneous reward (max)": "other",
        "Episode / Total timesteps (mean)": "other",
    },
    "tianshou": {
        "update/loss/actor": "loss:policy", "update/loss/clip": "loss:policy", "update/loss/vf": "loss:value",
        "update/loss/critic1": "loss:value", "update/loss/ent": "entropy", "update/loss/alpha": "other",
        "update/alpha": "other", "update/loss": "loss:total", "update/actor_loss/mean": "loss:policy",
        "update/actor_loss/std": "other", "update/ent_loss/mean": "entropy", "update/smoothed_loss/actor": "other",
        "update/update_step": "other", "test/reward": "reward", "test/reward_std": "other", "test/env_step": "other",
        "train/length": "other", "test/length_std": "other", "train/episode": "other", "save/epoch": "other",
    },
    "d3rlpy": {
        "metrics/actor_loss": "loss:policy", "metrics/bc_loss": "companion:squared_error",
        "metrics/loss": "loss:squared_error", "metrics/critic_loss": "loss:value", "metrics/temp": "other",
        "metrics/temp_loss": "other", "metrics/time_step": "other", "metrics/time_sample_batch": "other",
    },
    "rl-games": {
        "losses/a_loss": "loss:policy", "losses/c_loss": "loss:value", "losses/bounds_loss": "loss",
        "losses/entropy": "entropy", "info/last_lr": "learning_rate", "info/lr_mul": "other", "info/kl": "other",
        "info/epochs": "other", "rewards/step": "reward", "rewards/iter": "other", "rewards/time": "other",
        "episode_lengths/step": "other", "performance/step_fps": "other",
    },
    "ml-agents": {
        "Losses/Policy Loss": "loss:policy", "Losses/Value Loss": "loss:value", "Losses/Baseline Loss": "loss:value",
        "Losses/Pretraining Loss": "loss:policy", "Losses/GAIL Loss": "loss", "Policy/Entropy": "entropy",
        "Policy/Beta": "other", "Policy/Epsilon": "other", "Policy/Learning Rate": "learning_rate",
        "Environment/Cumulative Reward": "reward", "Environment/Episode Length": "other",
        "Policy/Extrinsic Value Estimate": "other", "Policy/Extrinsic Reward": "other",
        "Environment/Lesson Number/ball_touch": "other",
    },
    "rllib": {
        "ray/tune/info/learner/default_policy/learner_stats/policy_loss": "loss:policy",
        "ray/tune/info/learner/default_policy/learner_stats/total_loss": "loss:total",
        "ray/tune/info/learner/default_policy/learner_stats/vf_loss": "loss:value",
        "ray/tune/info/learner/default_policy/learner_stats/entropy": "entropy",
        "ray/tune/info/learner/default_policy/learner_stats/cur_lr": "learning_rate",
        "ray/tune/info/learner/default_policy/learner_stats/kl": "other",
        "ray/tune/episode_reward_mean": "reward", "ray/tune/episode_reward_min": "other",
        "ray/tune/time_total_s": "other",
    },
    "hf-trainer": {
        "train/loss": "loss", "eval/loss": "loss", "train/learning_rate": "learning_rate",
        "train/grad_norm": "grad_norm", "train/epoch": "epoch", "train/train_loss": "other",
        "train/train_runtime": "other", "train/total_flos": "other", "eval/samples_per_second": "other",
        "eval/runtime": "other", "eval/accuracy": "companion:accuracy",
    },
    "trl": {
        "train/loss": "loss", "train/epoch": "epoch", "train/learning_rate": "learning_rate",
        "train/grad_norm": "grad_norm", "train/entropy": "entropy", "train/mean_token_accuracy": "companion:accuracy",
        "train/kl": "other", "train/clip_ratio/low_mean": "other", "train/loss/policy_avg": "loss:policy",
        "train/policy/entropy_avg": "entropy", "train/num_tokens": "other", "train/train_loss": "other",
    },
    "lightning": {
        "train_loss_step": "loss", "train_loss_epoch": "loss", "val_loss": "loss", "epoch": "epoch",
        "lr-Adam": "learning_rate", "lr-AdamW/pg1": "learning_rate", "grad_2.0_norm_total": "grad_norm",
        "hp_metric": "other", "train_acc_step": "companion:accuracy", "val_mse": "companion:squared_error",
    },
    "keras": {
        "epoch_loss": "loss", "epoch_learning_rate": "learning_rate", "epoch_accuracy": "companion:accuracy",
        "epoch_mae": "companion:absolute_error", "epoch_mean_squared_error": "companion:squared_error",
    },
    "megatron": {
        "lm loss": "loss", "lm loss vs samples": "other", "lm loss validation": "loss",
        "lm loss validation ppl": "other", "learning-rate": "learning_rate", "learning-rate vs samples": "other",
        "grad-norm": "grad_norm", "grad-norm vs samples": "other", "params-norm": "other", "loss-scale": "loss_scale",
        "loss-scale vs samples": "other", "batch-size": "samples", "batch-size vs samples": "other",
        "iteration-time": "other", "num-zeros": "other", "world-size": "other",
    },
    "deepspeed": {
        "Train/Samples/train_loss": "loss", "Train/Samples/lr": "learning_rate",
        "Train/Samples/loss_scale": "loss_scale", "Train/Samples/elapsed_time_ms_forward": "other",
    },
    "torchtitan": {
        "loss_metrics/global_avg_loss": "loss", "loss_metrics/global_max_loss": "loss", "lr": "learning_rate",
        "grad_norm": "grad_norm", "memory/max_active(GiB)": "other", "throughput(tps)": "other", "mfu(%)": "other",
        "time_metrics/end_to_end(s)": "other",
    },
    "olmo": {
        "train/CrossEntropyLoss": "loss", "train/Perplexity": "other", "optim/total_grad_norm": "grad_norm",
        "optim/learning_rate_group0": "learning_rate", "optim/LR (group 0)": "learning_rate", "train/CE loss": "loss",
        "optim/total grad norm": "grad_norm", "optim/step skipped": "other",
    },
    "verl": {
        "actor/pg_loss": "loss:policy", "actor/kl_loss": "other", "critic/vf_loss": "loss:value",
        "actor/lr": "learning_rate", "actor/grad_norm": "grad_norm", "critic/grad_norm": "grad_norm",
        "critic/lr": "learning_rate", "actor/entropy": "entropy", "critic/rewards/mean": "reward",
        "critic/score/mean": "reward", "critic/score/max": "other", "response_length/mean": "other",
    },
    "verl-sft": {"train/loss": "loss", "train/lr(1e-3)": "learning_rate", "val/loss": "loss"},
    "openrlhf": {
        "train/policy_loss": "loss:policy", "train/actor_lr": "learning_rate", "train/actor_grad_norm": "grad_norm",
        "train/critic_loss": "loss:value", "train/kl": "other", "train/reward": "reward", "train/return": "reward",
        "train/response_length": "other",
    },
    "ultralytics": {
        "train/box_loss": "loss", "train/cls_loss": "loss", "train/dfl_loss": "loss", "val/box_loss": "loss",
        "lr/pg0": "learning_rate", "metrics/mAP50(B)": "companion:accuracy", "metrics/precision(B)": "companion:accuracy",
    },
}  # fmt: skip
