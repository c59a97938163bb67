"""Learners: small real trainings of other kinds in NumPy: a PPO, an off-policy learner, a language model."""
