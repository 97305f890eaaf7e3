"""Retraining on the decisions so far: new versions of a collection with runs of their own, and what changed."""
