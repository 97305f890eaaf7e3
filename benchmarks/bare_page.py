"""The reference of ``app_latency``: one Scattergl trace of a run's sounds, redrawn when something is selected, nothing
else.
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
places = run.projections[["pca_x", "pca_y"]].to_numpy(np.float32)
color = run.taxonomy.parents[run.y_true].astype(np.int16)
figure = go.Figure(go.Scattergl(x=places[:, 0], y=places[:, 1], mode="markers", marker={"color": color, "size": 4}))
figure.update_layout(height=620, clickmode="event+select", dragmode="pan")
st.plotly_chart(figure, key="map", on_select="rerun")
