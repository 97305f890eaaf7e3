"""Labelling from any page: a class for one sound or a whole selection, with annotation confidence and comment."""
