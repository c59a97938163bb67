"""Learners: small real trainings of other kinds, a PPO, an off-policy learner and a language model, in NumPy."""
