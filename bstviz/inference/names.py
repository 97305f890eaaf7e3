"""Words of file names: what a name says about its sound, without what it says about files.

Not words are: codes, hashes, dates, times, counters; takes, channels, microphones, versions; sampling rates, bit
depths, tempi, notes and keys; what cameras, recorders and chat programs call their files; and in a name downloaded
from Freesound (``<id>__<uploader>__<title>``) its id and uploader. Nothing else left means that the name has no words.

A name of the Universal Category System (UCS), ``CatID[-category]_FXName_CreatorID_SourceID[_more]``, has its category
spelled out (``data/ucs.csv``) and its FXName; who made it and in which library is left out.

References: the Universal Category System, https://universalcategorysystem.com.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import lru_cache
from importlib import resources
from pathlib import PurePosixPath

from bstviz.audio.decode import SUFFIXES

FREESOUND_NAME = re.compile(r"^\d{1,8}__.+?__(?=.)")
UCS_NAME = re.compile(r"^([A-Z]{2,5})([A-Z][a-z][A-Za-z]*)?(?:-([^_]+))?_(.+)$")
SHORT_UCS = 3
"""Fields after a CatID without subcategory (``RAIN``), which might be a word, from which on a name is one of UCS."""
MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
UNIT = "k|khz|hz|bits?|kbps|db|bpm|ms|s|secs?|seconds?|min|minutes?|am|pm|st|nd|rd|th"
ACCIDENTAL = "(?:[#♯♭b]| ?sharp| ?flat)"
COUNTED = (
    "aud audio ch channel channels clip dji dr dsc dscf dscn file gopr image img item layer memo mic movie mov "
    "mvi new no note nr num number part pt ptt pxl rec record recording region rr sample session sound ste take "
    "tascam test tk tr track trk untitled var variation ver version vid video vn voice vol volume wa zoom"
)
"""What stands before a number: counters, and what devices call their files."""
NOT_WORDS = [
    re.compile(pattern, flags)
    for pattern, flags in (
        (rf"(?<![a-z])\d{{1,4}} ?{MONTH} ?\d{{1,4}}(?!\d)|(?<![a-z]){MONTH} ?\d{{1,2}}(?: \d{{4}})?(?!\d)", re.I),
        (rf"(?<!\d)\d+(?: \d+)? ?(?:{UNIT})(?![a-z])|(?<![a-z])bpm ?\d+", re.I),
        (r"(?<![a-z])(?:screen|voice) ?(?:record(?:ing|er)|memo|note|message)s?(?![a-z])", re.I),
        (rf"(?<![a-z])(?:{COUNTED.replace(' ', '|')})[ -]?#?\d+", re.I),
        (rf"(?<![A-Za-z])[A-G]{ACCIDENTAL}?-?\d?[ -]?(?:m|[Mm]aj(?:or)?|[Mm]in(?:or)?)(?![a-z])", 0),
        (rf"(?<![A-Za-z])(?:[A-Ga-g]{ACCIDENTAL}?-?\d(?!\d)|[A-G]{ACCIDENTAL}(?![a-z]))", 0),
        (r"(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{6,}(?![0-9a-z])", re.I),  # hashes
    )
]
"""Parts of a name that say nothing of its sound, in a name whose separators are spaces."""
TECHNICAL = frozenset(
    re.findall(
        r"\w+",
        """aif aiff ambisonic ambisonics ambix binaural copy edit edited final flac kopie lav lavalier left master
        mastered mixdown mono normalised normalized ogg ortf rendered right stereo unedited unprocessed wav""",
    )
)
"""Words of channels, microphones and the making of a file, which are left out wherever they stand."""
UNSAYING = frozenset(
    re.findall(
        r"\w+",
        """an and app as at audio aufnahme be bounce by clip default demo enregistrement export file for from grabación
        in is it item memo mix movie my neue new nouvel nueva of on or output part project record recorded recorder
        recording recordings region sample samples screen session so sound sounds standard take temp test that the
        this to track unknown unnamed untagged untitled video we whats with zoom""",
    )
)
"""Words that say nothing of a sound where no others stand with them."""
PIECE = re.compile(r"\d+|[^\W\d_]+(?:['’][^\W\d_]+)*")
CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z])")
UNPRONOUNCEABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}|^[b-df-hj-np-tv-xz]+$")
"""Six consonants in a row, or nothing but consonants."""
SHORT, LONG_NUMBER = 3, 4


def words_of_name(name: str) -> str:
    """The words of a sound's file name, in lower case and with spaces between; "" where it has none.

    Args:
        name: File name or path, of which only the last part counts.

    Examples:
        >>> words_of_name("library/BIRDCrow_TwoCrows calling-02_ABC_Spring2020.wav")
        'bird two crows calling'
        >>> words_of_name("ZOOM0012.WAV")
        ''
    """
    stem = unicodedata.normalize("NFC", _stem(name))
    category, rest = _ucs(FREESOUND_NAME.sub("", stem))
    text = re.sub(r"[^\w#♯♭'’-]+|_", " ", rest)
    text = re.sub(r"-(?!\d)|(?<=\d)-", " ", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z]{2})", " ", text)
    for pattern in NOT_WORDS:
        text = pattern.sub(" ", text)
    words = [word for chunk in text.split() for word in _words(chunk)]
    found = [word for word in words if word not in TECHNICAL]
    if all(word in UNSAYING for word in found):
        found = []
    return " ".join(filter(None, [category, *found]))


def _stem(name: str) -> str:
    """The last part of a path of any system, without the suffix of a sound file."""
    last = PurePosixPath(name.replace("\\", "/")).name
    suffix = PurePosixPath(last).suffix
    return last[: -len(suffix)] if suffix.lower() in SUFFIXES else last


@lru_cache(maxsize=1)
def _categories() -> dict[str, str]:
    """Words of the categories of UCS by their abbreviations."""
    with (resources.files("bstviz") / "data" / "ucs.csv").open(encoding="utf-8") as file:
        return {row["abbreviation"]: row["words"] for row in csv.DictReader(file)}


def _ucs(stem: str) -> tuple[str, str]:
    """The category of a UCS name and its FXName; "" and the whole of any other."""
    found = UCS_NAME.match(stem)
    if found is None:
        return "", stem
    abbreviation, sub, own, rest = found.groups()
    fields = rest.split("_")
    if abbreviation not in _categories() or (sub is None and len(fields) < SHORT_UCS):
        return "", stem
    return _categories()[abbreviation], f"{own or ''} {fields[0]}"


def _words(chunk: str) -> list[str]:
    """The words of a part of a name between spaces: of "RainOnRoof03" three, of "SD14x08" none."""
    pieces = PIECE.findall(chunk)
    numbers = [piece for piece in pieces if piece.isdigit()]
    camels = [part for piece in pieces if not piece.isdigit() for part in CAMEL.split(piece)]
    if max(map(len, camels), default=0) <= SHORT:
        random_case = sum(map(len, camels)) < SHORT * len(camels) and len(camels) > 1
        device = max(map(len, numbers), default=0) >= LONG_NUMBER and all(map(str.isupper, camels))
        if random_case or device or len(numbers) > 1:
            return []
    least = SHORT if numbers else 2
    return [part.lower() for part in camels if len(part) >= (least if part.isascii() else 1) and _pronounceable(part)]


def _pronounceable(part: str) -> bool:
    plain = unicodedata.normalize("NFD", part.lower()).encode("ascii", "ignore").decode()
    return not plain or not UNPRONOUNCEABLE.search(plain)
