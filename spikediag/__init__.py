"""spikediag: why did my loss jump?"""
