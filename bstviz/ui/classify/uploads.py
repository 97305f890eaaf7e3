"""Uploads: sounds from files, a folder, archives or the microphone, and text about them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.typing import UploadedFile

from bstviz.audio import archive, decode
from bstviz.audio.decoders import AUDIO_FORMATS
from bstviz.audio.repair import MAX_SECONDS
from bstviz.datasets.unpacking import ARCHIVE
from bstviz.errors import UserError
from bstviz.server.visitors.forget import see_visitor
from bstviz.ui.components.text import escape, told


@dataclass(frozen=True)
class Upload:
    """An uploaded sound: its name, a hash of its bytes, and what gives them."""

    name: str
    content: str
    read: Callable[[], bytes]

    @property
    def identity(self) -> str:
        """Tells it from others, by its name too: messages about a sound that cannot be read state it."""
        return f"{self.content} {self.name}"


def pick_uploads(*, key: str) -> list[Upload]:
    """Sounds from files, a folder, zip archives or the microphone; what cannot be read is reported."""
    see_visitor(uploads=True)
    way = st.segmented_control(
        "Sounds",
        ["Files", "Folder", "Microphone"],
        default="Files",
        required=True,
        key=f"{key}.way",
        label_visibility="collapsed",
    )
    if way == "Microphone":
        recording = st.audio_input("Record a sound", sample_rate=48_000, key=f"{key}.recording")
        taken = [("recording.wav", recording)] if recording else []
    else:
        files = st.file_uploader(
            f"Drop {'sound files or zip archives' if way == 'Files' else 'a folder of sounds'} here",
            accept_multiple_files=True if way == "Files" else "directory",
            key=f"{key}.{'files' if way == 'Files' else 'folder'}",
            help=f"{AUDIO_FORMATS}; zip archives of them. "
            f"Sounds longer than {MAX_SECONDS / 60:.0f} minutes are classified by excerpts.",
        )
        taken = [(file.name, file) for file in files or []]
    st.caption(
        "Sounds stay in the server's memory for this visit, which ends at most 90 seconds after its window is closed, "
        "and for at most two minutes more; nothing is kept on disk."
    )
    return _uploads(taken, folder=way == "Folder")


def _uploads(taken: Sequence[tuple[str, UploadedFile]], *, folder: bool) -> list[Upload]:
    sounds: list[Upload] = []
    for name, file in taken:
        if name.lower().endswith(ARCHIVE):
            try:
                listing = _listing(file, name)
            except UserError as error:
                st.error(told(error), icon=":material/folder_zip:")
                continue
            for path, content in listing.sounds.items():
                read = partial(_member, file, path)
                sounds.append(Upload(f"{name}/{path}", content, read))
            for reason in listing.damaged.values():
                st.error(escape(reason), icon=":material/folder_zip:")
        elif not folder or Path(name).suffix.lower() in decode.SUFFIXES:
            sounds.append(Upload(name, _hash(file), file.getvalue))
    return sounds


def _token(file: UploadedFile) -> str:
    """Names an uploaded file among all of the server's."""
    return file.file_id


@st.cache_data(scope="session", max_entries=20_000, show_spinner=False, hash_funcs={UploadedFile: _token})
def _hash(file: UploadedFile) -> str:
    return hashlib.sha256(file.getvalue()).hexdigest()


@st.cache_data(
    scope="session", max_entries=100, show_spinner="Reading the archive …", hash_funcs={UploadedFile: _token}
)
def _listing(file: UploadedFile, name: str) -> archive.ArchiveListing:
    """The sounds of an archive, unpacked once for as long as a visitor stays."""
    return archive.list_sounds(file.getvalue(), name)


def _member(file: UploadedFile, path: str) -> bytes:
    return archive.read_sound(file.getvalue(), path)


def words(*, key: str) -> dict[str, str]:
    """Title, tags and description by name, empty where there is none."""
    with st.expander("Text about the sound (for the audio + text models)", icon=":material/notes:"):
        title = st.text_input("Title", key=f"{key}.title")
        tags = st.text_input("Tags", key=f"{key}.tags", placeholder="rain, roof, night")
        description = st.text_area("Description", key=f"{key}.description", height=80)
    return {"title": title or "", "tags": tags or "", "description": description or ""}


def pick_names(*, key: str) -> bool:
    """Whether the words of the files' names count."""
    return st.toggle(
        "Use the words of the file's name",
        value=True,
        key=f"{key}.names",
        help="A text model predicts by the words of a file's name, beside the audio models, where no text is given. "
        "Codes, dates and counters are no words; a name of nothing else changes nothing.",
    )
