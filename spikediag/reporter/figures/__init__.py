"""The figures of a report, drawn on `matplotlib.figure.Figure`, never with pyplot."""
