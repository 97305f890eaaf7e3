"""Words of file names, on names as people, recorders, libraries and web sites give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bstviz.datasets.folder import list_sounds
from bstviz.inference.names import words_of_name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dog_barking.wav", "dog barking"),
        ("DoorSlam_v2_final.aiff", "door slam"),
        ("rain-on-roof.flac", "rain on roof"),
        ("HiHat_Mid.wav", "hi hat mid"),
        ("GuitarRiff02", "guitar riff"),
        ("RisingTide.MP3", "rising tide"),
        ("00662 baby is happy 2.wav", "baby is happy"),
        ("far thunder city SHORT 005 170529_1186.wav", "far thunder city short"),
        ("20110803_female.guide.speech.01.flac", "female guide speech"),
        ("let's go!.wav", "let's go"),
        ("C:\\Sounds\\doors\\wooden door.wav", "wooden door"),
        ("archive.zip/more/water.wav", "water"),
        ("Mr. Smith talks", "smith talks"),
        ("Mlácení do klávesnice.wav", "mlácení do klávesnice"),
        ("雨の音01.wav", "雨の音"),
    ],
)
def test_separators_and_camel_case_part_words(name: str, words: str) -> None:
    assert words_of_name(name) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rain_take3_mic2_LR.wav", "rain"),
        ("Piano_C#4_mf_48k24bit.wav", "piano"),
        ("Clarinet - A4 - bad-attack", "clarinet bad attack"),
        ("Trumpet - Asharp5.wav", "trumpet"),
        ("poppy_A#_4_pp_norm.aif", "poppy norm"),
        ("kick loop 120bpm Amin L.wav", "kick loop"),
        ("Synth Loop 5 - (90 BPM).wav", "synth loop"),
        ("pad F# minor 96 kHz stereo.wav", "pad"),
        ("12 Jan 2020 forest.wav", "forest"),
        ("2019-03-11 marshes at 6 am.wav", "marshes at"),
        ("door 3f9a0c77b1.wav", "door"),
        ("2_kitchen_ch1.wav", "kitchen"),
        ("DOG1.wav", "dog"),
        ("123456__some_user__dog-barking-2.wav", "dog barking"),
        ("108313__corsica_s__its_amazing.wav", "its amazing"),
    ],
)
def test_numbers_notes_and_the_making_of_a_file_are_no_words(name: str, words: str) -> None:
    assert words_of_name(name) == words


@pytest.mark.parametrize(
    "name",
    """80000001.ogg|ZOOM0012.WAV|DSC_0023|2021-05-03 14.22.10.wav|AUD-20200101-WA0001.opus|track01|untitled
    |New Recording 5|New Recording 5.m4a|Voice 001.m4a|Voice Memo 7.m4a|REC_20230504_101112.wav|STE-000.wav|IMG_1234.MOV
    |WhatsApp Audio 2021-03-04 at 10.11.12.ogg|Screen Recording 2020-01-01 at 12.34.56.mov|TASCAM_0042.wav|R_0001.wav
    |dr0000_0123.wav|VN850123.WMA|LS100123.MP3|251013_1234.wav|PTT-20201010-WA0003.opus|GOPR0042.MP4|07042043.wav
    |NHU05104063.wav|3f2504e0-4f89-11d3-9a0c-0305e82c3301.wav|a1b2c3d4e5f6.wav|dQw4w9WgXcQ.mp3|xk-77.wav|A001_C002.wav
    |T001.wav|file (3).wav|Audio 1-2.aif|01 - Track 1.mp3|Neue Aufnahme 3.m4a|take 4|sound.wav|LKF11.wav|C#2(v3).flac
    |SD14x08.wav|btn162.wav|B-58D.aif|20240103_123456.m4a|mixdown(2).wav|2020-0001_L.wav
    |is-p_3.wav|it is.wav|.wav|""".replace("\n    ", "").split("|"),
)
def test_codes_dates_and_what_devices_call_their_files_have_no_words(name: str) -> None:
    assert words_of_name(name) == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AMBForst_Morning Birds and Stream_JDS_NewEngland.wav", "ambience morning birds and stream"),
        ("DOORWood_Cabinet Open Close-03_ABC_XYZ_48k.wav", "door cabinet open close"),
        ("FOLYFeet_Walk On Gravel_ZZ_Lib", "foley walk on gravel"),
        ("CRWDBatl_Crowd Grunting, Metered, Rowing_SomeOne_GSC24_MS-Spirit.wav", "crowd crowd grunting metered rowing"),
        ("AMBForst-DAWN_Owls_AB_CD.wav", "ambience dawn owls"),
        ("RAIN_Heavy On Tin Roof_JS_Storm2020.wav", "rain heavy on tin roof"),
        ("WATRSplsh_0042_JS_Lib.wav", "water"),
        ("RAIN_heavy.wav", "rain heavy"),
    ],
)
def test_names_of_the_universal_category_system_are_category_and_description(name: str, words: str) -> None:
    assert words_of_name(name) == words


@pytest.mark.data
def test_the_ids_that_files_of_real_recordings_are_named_by_have_no_words(shared_data: Path) -> None:
    assert {words_of_name(file) for file in list_sounds(shared_data / "sounds").files} == {""}
