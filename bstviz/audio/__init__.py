"""Sound files to arrays, and arrays to what a browser plays: decode, archive, spectrogram, playback."""
