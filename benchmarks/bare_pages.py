"""The references of ``pages``: for each page of the app the fewest calls of Streamlit that show as much.

The same widgets, one chart or table of the same size, and what that shows read from the same run; nothing is worked out
at an opening. ``?page=`` names the page. ``BSTVIZ_BARE_RUN`` is the folder of the run. To be served from an empty
folder, so that Streamlit's own defaults hold.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

RUN = Path(os.environ["BSTVIZ_BARE_RUN"])
WORDS = "Of 11,000 test sounds of 5 folds, each predicted by the model that was not trained on it."
LONG = " ".join([WORDS] * 3)


@st.cache_data
def sounds() -> pd.DataFrame:
    """What was predicted."""
    return pd.read_parquet(RUN / "sounds.parquet", columns=["sound_id", "split", "y_true", "y_pred"])


@st.cache_data
def places() -> np.ndarray:
    """The map, (N, 2) float32."""
    return pd.read_parquet(RUN / "projections.parquet", columns=["pca_x", "pca_y"]).to_numpy(np.float32)


@st.cache_data
def matrix_of() -> pd.DataFrame:
    """How often each class was predicted as each."""
    return pd.crosstab(sounds()["y_true"], sounds()["y_pred"])


@st.cache_data
def audio() -> bytes:
    """A sound."""
    return next((RUN.parent / "audio").glob("*.ogg")).read_bytes()


def rows(count: int) -> pd.DataFrame:
    """A table of sounds."""
    return sounds().head(count)


def toggles(*names: str) -> None:
    """Switches side by side."""
    with st.container(horizontal=True):
        for name in names:
            st.toggle(name)


def map_of(maps: int) -> None:
    """One chart with one or two maps of all sounds."""
    xy, codes = places(), pd.factorize(sounds()["y_true"])[0].astype(np.int16)
    figure = go.Figure()
    for number in range(maps):
        axes = {"xaxis": f"x{number + 1}", "yaxis": f"y{number + 1}"}
        marker = {"color": codes, "size": 4}
        figure.add_trace(go.Scattergl(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, **axes))
    if maps == 2:
        figure.update_layout(xaxis={"domain": [0, 0.49]}, xaxis2={"domain": [0.51, 1], "matches": "x"})
        figure.update_layout(yaxis2={"anchor": "x2", "matches": "y"})
    figure.update_layout(height=740, clickmode="event+select", dragmode="pan")
    st.plotly_chart(figure, key="map", on_select="rerun")


def home() -> None:
    st.title("Overview")
    st.markdown(LONG)
    for start in (0, 3, 6):
        for place, column in enumerate(st.columns(3), start):
            with column.container(border=True, height="stretch"):
                st.markdown(WORDS)
                st.link_button(f"Open {place}", "https://example.org")
    st.subheader("At a glance")
    left, right = st.columns([2, 3])
    at, colors = places()[:300], pd.factorize(sounds()["y_true"])[0][:300] % 5
    dots = "".join(
        f'<i style="color:{c};left:{x}%;top:{y}%"></i>' for (x, y), c in zip(at.tolist(), colors, strict=True)
    )
    left.html(f"<div>{dots}</div>")
    right.table(rows(4))
    right.caption(LONG)
    st.subheader("Loaded")
    for name, column in zip(("Runs", "Collections", "Sounds", "Classes"), st.columns(4), strict=True):
        column.metric(name, f"{len(sounds()):,}", border=True)
    st.markdown(WORDS)
    st.subheader("How well the runs do")
    st.dataframe(rows(6), hide_index=True)
    st.caption(LONG)


def explore() -> None:
    left, middle, right = st.columns(3)
    left.selectbox("Run", range(30))
    middle.segmented_control("Projection", ["PCA", "UMAP"], default="PCA")
    middle.segmented_control("Dimensions", [2, 3], default=2)
    right.selectbox("Colour", list("abcdefgh"))
    toggles("Training", "Play", "Hide", "Names", "Contours")
    side, view, panel = st.columns([5, 14, 9])
    with view:
        map_of(1)
        st.caption(WORDS)
    with panel:
        st.info("Click a point to play it.")
        st.text_input("Find a sound")
    with side:
        st.text_input("Title or tags contain")
        st.caption(WORDS)
        st.dataframe(rows(40), hide_index=True)
        st.multiselect("Columns to filter by", list("abcdefgh"), default=list("abc"))


def compare() -> None:
    with st.container(horizontal=True):
        st.selectbox("Left", range(30))
        st.selectbox("Right", range(30))
        st.segmented_control("Projection", ["PCA", "UMAP"], default="PCA")
        st.segmented_control("Dimensions", [2, 3], default=2)
        st.selectbox("Colour", list("abcdefgh"))
    toggles("Training", "Names", "Contours")
    view, panel = st.columns([14, 6])
    with view:
        map_of(2)
        st.caption(LONG)
    panel.info("Click a sound.")
    st.subheader("By class")
    st.segmented_control("Level", ["top", "second"], default="top")
    st.dataframe(rows(23), hide_index=True)
    st.caption(WORDS)
    st.subheader("Structure")
    st.dataframe(rows(4), hide_index=True)
    st.caption(LONG)


def results() -> None:
    st.header("Results")
    st.selectbox("Collection and folds", ["synthetic"])
    st.segmented_control("Show", [f"Section {i}" for i in range(10)], default="Section 0")
    st.segmented_control("Metric", [f"Metric {i}" for i in range(5)], default="Metric 0")
    figure = go.Figure()
    for model in range(2):
        figure.add_trace(go.Scatter(x=[0, 1, 2], y=[70 + model, 72, 74], mode="markers", error_y={"array": [1, 1, 1]}))
    figure.update_layout(height=420)
    st.plotly_chart(figure)
    st.caption(WORDS)
    st.table(rows(6))
    st.download_button("CSV", "a", "results.csv", "text/csv")
    st.caption(LONG)


def confusion() -> None:
    st.header("Confusion")
    with st.container(horizontal=True):
        st.selectbox("Model", ["Hierarchical", "Flat"])
        st.segmented_control("Trained on", [1, 3, 4], default=1)
        st.segmented_control("Tested on", [1, 2, 3, 4, 5], default=1)
        st.toggle("Compare with B")
    st.markdown(LONG)
    st.caption(WORDS)
    with st.container(horizontal=True):
        st.segmented_control("Cells", ["% of true", "% of predicted", "counts"], default="% of true")
        st.pills("Open", list("abcde"), selection_mode="multi", default=list("abcde"))
        st.button("Collapse all")
        st.button("Open all")
    view, panel = st.columns([3, 2])
    matrix = matrix_of()
    with view:
        shares = 100 * matrix.to_numpy() / matrix.to_numpy().sum(axis=1, keepdims=True)
        labels = {"x": list(matrix.columns), "y": list(matrix.index)}
        figure = go.Figure(go.Heatmap(z=shares, text=shares.round(), texttemplate="%{text}", **labels))
        figure.update_layout(height=760)
        st.plotly_chart(figure, key="matrix", on_select="rerun")
        with st.container(horizontal=True):
            st.download_button("CSV", "a", "confusion.csv", "text/csv")
            st.download_button("Parquet", "a", "confusion.parquet")
            st.segmented_control("Saves", ["SVG", "PNG"], default="SVG")
    with panel:
        st.dataframe(rows(8), hide_index=True)
        st.caption(WORDS)
        with st.container(horizontal=True):
            st.selectbox("True class", list(matrix.index), index=None)
            st.selectbox("Predicted class", list(matrix.columns), index=None)
        st.info("Click a cell.")
    st.segmented_control("Show", [f"Section {i}" for i in range(6)], default="Section 0")
    st.caption(WORDS)
    st.caption(WORDS)
    pairs = matrix.stack().sort_values(ascending=False).rename("sounds")
    st.dataframe(pairs, key="pairs", on_select="rerun", selection_mode="single-row", height=420)


def review() -> None:
    st.header("Label quality")
    for place, column in enumerate(st.columns([4, 5, 5, 4])):
        if place == 0:
            column.selectbox("Models", range(3))
        elif place < 3:
            column.segmented_control(f"Filter {place}", ["a", "b", "c"], default="a")
        else:
            column.multiselect("Given or suggested label", sorted(sounds()["y_true"].unique()))
    st.progress(0.1, WORDS)
    card, side = st.columns([3, 2])
    with card:
        st.markdown("#### A sound")
        st.audio(audio())
        for _ in range(3):
            st.caption(WORDS)
        with st.container(horizontal=True):
            for name in ("Accept", "Keep", "Unsure", "Set", "Next", "Undo"):
                st.button(name)
        left, right = st.columns(2)
        left.selectbox("Another class", sorted(sounds()["y_true"].unique()), index=None)
        right.text_input("Comment")
        st.markdown(LONG)
        for column in st.columns(2):
            with column.container(border=True):
                st.markdown(WORDS)
                st.caption(WORDS)
    with side:
        st.markdown("**Queue**")
        st.dataframe(rows(30), hide_index=True, height=300)
        st.markdown("**Nearest sounds**")
        st.dataframe(rows(10), hide_index=True, height=300)
    with st.container(horizontal=True):
        st.toggle("Play automatically")
        st.download_button("CSV", "a", "decisions.csv", "text/csv")
        st.download_button("Parquet", "a", "decisions.parquet")
        st.caption(WORDS)


def classify() -> None:
    st.header("Classify")
    left, right = st.columns([3, 2])
    with right:
        st.selectbox("Models", range(15))
        st.caption(LONG)
        with st.expander("Text about the sound"):
            st.text_input("Title")
            st.text_input("Tags")
            st.text_area("Description", height=80)
        st.toggle("Use the words of the file's name")
    with left:
        st.segmented_control("Sounds", ["Files", "Folder", "Microphone"], default="Files")
        st.file_uploader("Drop sound files here", accept_multiple_files=True)
        st.caption(WORDS)
        st.dataframe(rows(10), hide_index=True)


st.set_page_config(layout="wide")
for page in (home, explore, compare, results, confusion, review, classify):
    if page.__name__ == st.query_params["page"]:
        page()
