"""Sound files to arrays, and arrays to what a browser plays and shows: decode, archive, spectrogram, playback."""
