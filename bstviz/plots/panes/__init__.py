"""A map's panes as one Plotly figure: one or two views of the same sounds, linked, with what is to be brought out.

Conventions: the first traces, one per pane, hold the drawn sounds, coloured by an index into the facet's colours;
marks, contours and the legend (one empty trace per category) follow. ``meta`` of a trace names its pane and its part of
it, of a legend entry its category. Words of other people are escaped: Plotly renders some HTML.
"""
