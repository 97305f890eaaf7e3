"""Sound files to arrays, and arrays to what a browser plays: decode and repair, archives, spectrogram, playback."""
