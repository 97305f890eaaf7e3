"""Long work: where it is done (this process or Ray), and how it goes on after a stop."""
