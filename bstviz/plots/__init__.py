"""Figures: data in, Plotly figures out; the same in the app, a notebook and a report."""
