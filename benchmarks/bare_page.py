"""The reference of ``app_latency``: one Scattergl trace of a run's sounds, redrawn when something is selected, nothing
else. To be served from an empty folder, so that Streamlit's own defaults hold.
"""

import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from bstviz.models.run import Run, load_run


@st.cache_resource
def load(folder: str) -> Run:
    return load_run(Path(folder))


st.set_page_config(layout="wide")
run = load(os.environ["BSTVIZ_BARE_RUN"])
colors = {
    "Top-level class": run.taxonomy.parents[run.y_true],
    "Second-level class": run.y_true,
    "Right or wrong": run.y_true == run.y_pred,
}
by = st.selectbox("Colour", list(colors))
places = run.projections[["pca_x", "pca_y"]].to_numpy(np.float32)
marker = {"color": colors[by].astype(np.int16), "size": 4}
figure = go.Figure(go.Scattergl(x=places[:, 0], y=places[:, 1], mode="markers", marker=marker))
figure.update_layout(height=740, clickmode="event+select", dragmode="pan", meta=by)
st.plotly_chart(figure, key="map", on_select="rerun")
