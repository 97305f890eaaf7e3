"""Retraining on a page: the button, how far it is, what changed, and the way back."""
