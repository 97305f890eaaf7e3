"""Bytes that the browser fetches by address, as Streamlit itself hands out media.

Components get arrays and sounds of megabytes this way once, not as text within every message. Streamlit has no public
name for it (a component's data carries JSON and tables only), so ``media_file_mgr`` is taken here and nowhere else, and
pyproject.toml bounds the version of Streamlit to those that have it as it is.
"""

from __future__ import annotations

from streamlit import runtime


def address(data: bytes, media_type: str, key: str) -> str:
    """Address at which this browser session can fetch bytes, as long as nothing else is given the same key."""
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(data, media_type, f"bstviz.{key}")
