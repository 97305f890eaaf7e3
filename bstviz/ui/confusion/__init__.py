"""The parts of the page Confusion."""
