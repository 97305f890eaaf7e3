"""The exceptions that are written for a person, and words for those of the machine: a full disk, too little memory."""

from __future__ import annotations

import errno


class UserError(Exception):
    """Something the user can correct; its text gives the value received, what is allowed and the next step.

    The command line prints it without a traceback and pages show it in place of their content.
    """


class AwayError(UserError):
    """A file that cannot be found or read just now: its drive, its share or its permission may come back, and what is
    known of it stays.
    """


DISK_FULL = "The disk is full, or its quota is. Free some space there, and do the same again."
READ_ONLY = "This place cannot be written to. Choose another one, or have its permissions changed."
REASONS = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EFBIG: "A file is larger than allowed here (ulimit -f). Raise that limit, and do the same again.",
    errno.EROFS: READ_ONLY,
    errno.EACCES: "Permission is denied. Choose another place, or have its permissions changed.",
    errno.EPERM: "Permission is denied. Choose another place, or have its permissions changed.",
    errno.EMFILE: "Too many files are open at once. Raise that limit (ulimit -n 4096), and do the same again.",
    errno.ENFILE: "Too many files are open on this machine. End other programs, and do the same again.",
    errno.ENOMEM: "There is not enough memory. End other programs, or do less at a time.",
    errno.EIO: "The disk failed to read or write. Check it, or take another one.",
}
"""What to say of the system's errors, and what to do about each."""


def in_words(error: BaseException) -> str | None:
    """What a person is told of an error, and what to do about it; None for one that is a fault of the program.

    Known besides :class:`UserError` are errors of the system (files, disks, memory, workers that were ended) and
    damaged files as the readers of safetensors and Parquet report them; none of these packages is imported for it.
    """
    if isinstance(error, UserError):
        return str(error)
    text = str(error).strip()
    kind, home = type(error).__name__, type(error).__module__.partition(".")[0]
    if home in ("safetensors", "safetensors_rust", "pyarrow"):  # their writers put the system's error into the text
        for number in REASONS:
            if f"os error {number})" in text or f"code: {number}," in text or f"[errno {number}]" in text.lower():
                return REASONS[number]
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename is not None else ""
        return place + REASONS.get(error.errno or 0, f"{error.strerror or text or kind}.")
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "DefaultCPUAllocator" in text:
        return REASONS[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "home directory" in text:  # of pathlib, platformdirs, and who imports it
        return "There is no home folder for what is kept between runs. Set HOME to a folder that can be written to."
    if isinstance(error, RuntimeError) and "no locator available" in text:  # of numba
        return "There is no place for compiled functions. Set NUMBA_CACHE_DIR to a folder that can be written to."
    if kind == "BrokenProcessPool":
        return (
            "A worker process was ended from outside, most often for want of memory. What is done stays; run the same "
            "command again, with fewer --jobs."
        )
    if home in ("safetensors", "safetensors_rust"):
        return f"A file of arrays (.safetensors) is damaged: {text}. Make it again, or restore it from a copy."
    if home == "pyarrow":
        return f"A table (.parquet) is damaged or holds what does not fit: {text}. Make it again, or restore a copy."
    return None
