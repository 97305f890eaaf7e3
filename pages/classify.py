"""Classify: drop recordings, get classes at both levels, the place on the map and neighbours."""

import hashlib

import numpy as np
import streamlit as st

from bstviz import audio, figures, neighbours, projection
from bstviz.classify import Answer
from bstviz.collection import EncoderInfo
from bstviz.errors import UserError
from bstviz.predict import Embeddings
from bstviz.ui import loaders
from bstviz.ui.charts import PLAIN_CONFIG
from bstviz.ui.loaders import Loaded
from bstviz.ui.page import guarded
from bstviz.ui.pickers import pick_run
from bstviz.ui.sound_list import NEAR, sound_list
from bstviz.ui.sound_map import sound_map
from bstviz.ui.text import chip, escape


@st.cache_data(max_entries=64, show_spinner=False)
def decode(content: str, _data: bytes, name: str) -> tuple[np.ndarray, int, audio.Spectrogram, bytes]:
    """Samples, rate, spectrogram and playable WAV of an upload, by the hash of its content."""
    samples, rate = audio.load(_data, name=name)
    return samples, rate, audio.spectrogram(samples, rate), audio.to_wav(samples, rate)


@st.cache_data(max_entries=256, show_spinner="Listening …")
def embed(content: str, encoder: EncoderInfo, _loaded: Loaded, _samples: np.ndarray, _rate: int) -> Embeddings:
    """Audio embedding of an upload, by the hash of its content and the encoder."""
    return loaders.classifier(_loaded).embed_audio(_samples, _rate)


def answer(loaded: Loaded, content: str, samples: np.ndarray, rate: int, text: str) -> Answer:
    """A run's answer for an upload."""
    encoders, classifier = loaded.run.encoders, loaders.classifier(loaded)
    if "text" in encoders and not text.strip():
        raise UserError("This run listens and reads: give a title or tags above, or choose an audio-only run.")
    sound = embed(content, encoders["audio"], loaded, samples, rate) if "audio" in encoders else None
    return classifier.answer(sound, classifier.embed_text(text) if "text" in encoders else None)


def show(loaded: Loaded, name: str, data: bytes, text: str) -> None:
    """Everything about one upload."""
    content = hashlib.sha256(data).hexdigest()
    try:
        samples, rate, spectrogram, wav = decode(content, data, name)
        found = answer(loaded, content, samples, rate, text)
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    taxonomy, key = loaded.run.taxonomy, f"classify.{content[:12]}.{loaded.run.id}"
    best = taxonomy[found.second[0].code]
    top = taxonomy[found.top[0].code]
    st.html(
        f'<div style="display:flex;gap:10px;align-items:center;flex-wrap:wrap"><strong>{chip(top.name, top.color)}</strong>'
        f'{chip(best.name, best.color)}<span style="opacity:.75;font-size:.88rem">{best.definition}</span></div>'
    )
    left, middle, right = st.columns([4, 3, 4], gap="medium")
    with left:
        st.audio(wav, format="audio/wav")
        st.plotly_chart(figures.spectrogram_figure(spectrogram), config=PLAIN_CONFIG, key=f"{key}.spectrogram")
        st.caption(f"{len(samples) / rate:.1f} s at {rate / 1000:g} kHz, mixed to mono")
    with middle:
        st.markdown("**Top level** (summed)")
        bars(loaded, [(r.code, r.probability) for r in found.top], f"{key}.top")
    with right:
        st.markdown("**Second level**, best seven")
        bars(loaded, [(r.code, r.probability) for r in found.second[:7]], f"{key}.second")
    place(loaded, found, key)


def bars(loaded: Loaded, values: list[tuple[str, float]], key: str) -> None:
    """Probability bars."""
    codes, shares = [c for c, _ in values], [v for _, v in values]
    st.plotly_chart(figures.probability_figure(loaded.run.taxonomy, codes, shares), config=PLAIN_CONFIG, key=key)


def place(loaded: Loaded, found: Answer, key: str) -> None:
    """The sound's place on the map, and its nearest sounds of the collection."""
    left, right = st.columns([3, 2], gap="medium")
    run, latent = loaded.run, found.prediction.latent
    with left:
        method = str(st.segmented_control(
            "Map", ["pca", "umap"], default="pca", required=True, format_func=str.upper, key=f"{key}.method"
        ))  # fmt: skip
        if method == "pca":
            spot = run.pca.transform(latent)[:, :2]
        else:
            spot = projection.place(latent, run.latents, loaders.coordinates(loaded, "umap", 2))
        sound_map(loaded, method, 2, "top", key=f"{key}.map.{method}", new=spot, height=440)
        st.caption(
            "The star is the new sound" + (", placed among its neighbours: approximate." if method == "umap" else ".")
        )
    with right:
        st.markdown(f"**Nearest in {escape(run.collection.name)}** (latent space, cosine distance)")
        rows, distances = neighbours.nearest(latent, run.latents, 10)
        sound_list([(loaded, int(r)) for r in rows[0]], key=f"{key}.near", columns=NEAR, distances=distances[0])


@guarded
def page() -> None:
    st.header("Classify your own sounds")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        files = st.file_uploader(
            "Drop sound files here", accept_multiple_files=True, key="classify.files",
            help="WAV, FLAC, OGG, Opus, MP3 or AIFF; the first ten minutes of each are read.",
        )  # fmt: skip
        st.caption("Files are held in the server's memory only; nothing is written to disk.")
    with right:
        loaded = pick_run(
            "Run that answers", key="classify.run",
            preferred=lambda r: r.train.loss == "hierarchical" and r.train.modality == "audio",
        )  # fmt: skip
        text = ""
        if "text" in loaded.run.encoders:
            text = st.text_input("Title, tags or description", key="classify.text")
        encoders = " and ".join(f"{kind} by {info}" for kind, info in loaded.run.encoders.items())
        st.caption(f"Answered by run {loaded.run.id} of {escape(loaded.run.collection.name)}; {encoders}.")
    for index, file in enumerate(files or []):
        with st.container(border=True, key=f"classify.file.{index}"):
            st.markdown(f"#### {escape(file.name)}")
            show(loaded, file.name, file.getvalue(), text)


page()
