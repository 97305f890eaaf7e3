"""What a report says of runs: the table, summaries, figures, sections, HTML."""
