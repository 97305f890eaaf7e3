"""Labelling, from any page."""
