"""What a report states of runs: the table, summaries, figures, sections, HTML."""
