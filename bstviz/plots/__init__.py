"""Plotly figures: data in, figure out; no page involved."""
