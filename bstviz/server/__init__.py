"""The server: Streamlit's own, with routes of ours for what pages fetch by address."""
