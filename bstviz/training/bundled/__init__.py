"""What the app shows without being asked: the demo and its models, the text model of names, and BSD10k's words."""
