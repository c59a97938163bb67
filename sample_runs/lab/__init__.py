"""The laboratory: behaviour-cloning trainings in which exactly one thing is changed.

Reading order: `demonstrations` makes the expert's trajectories, `policy` is the network and its likelihood,
`training` the loop, `interventions` the one thing that is changed, `truth` what must then be found,
`events` the TensorBoard files, and `collection` the list of all sample runs.
"""
