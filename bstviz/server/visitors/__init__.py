"""What the server knows of its visitors: which sessions have ended, and which browser decides on labels."""
