"""Parts of the Explore page: search, saved views and undo, the table of all sounds, own colours."""
