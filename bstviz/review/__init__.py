"""Label quality, and the decisions that people take on labels."""
