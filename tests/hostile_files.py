"""Files that would lead whoever opens them elsewhere: to an address, or to another file of the machine.

:data:`KINDS` are the ways, each a function of an address; :func:`addresses` are the addresses, of one server and one
secret file; :data:`NAMES` are what such files are called. Each is well-formed as far as it matters to FFmpeg.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.anomalous_sounds import sndfile
from tests.fakes import tone

NAMES = (
    "sound.wav",
    "sound.mp3",
    "sound.m4a",
    "sound.ogg",
    "sound",
    "sound.m3u8",
    "%03d.wav",
    "http:sound.wav",
    "concat:sound.wav",
)
OWN = sndfile(tone(440, 1), 8_000)
"""A sound of their own that some of the files hold."""


def addresses(port: int, secret: Path) -> list[str]:
    """Ways to write a server's address and a file's, whose folder is the working directory."""
    network = (
        "http",
        "https",
        "ftp",
        "tcp",
        "udp",
        "rtp",
        "rtsp",
        "rtmp",
        "mmsh",
        "gopher",
        "hls+http",
        "tls",
        "icecast",
    )
    return [
        *(f"{scheme}://127.0.0.1:{port}/secret.wav" for scheme in network),
        f"//127.0.0.1:{port}/secret.wav",
        f"cache:http://127.0.0.1:{port}/secret.wav",
        f"async:http://127.0.0.1:{port}/secret.wav",
        f"concat:http://127.0.0.1:{port}/a|{secret}",
        f"crypto:{secret}",
        f"file:{secret}",
        f"file://{secret}",
        f"subfile,,start,0,end,20000,,:{secret}",
        str(secret),
        secret.name,
        f"./{secret.name}",
        f"../{secret.parent.name}/{secret.name}",
        "pipe:0",
        "fd:0",
    ]


def playlist(*lines: str) -> Callable[[str], bytes]:
    """A text in which ADDRESS stands for the address."""
    return lambda address: ("\n".join(lines) + "\n").replace("ADDRESS", address).encode()


DATA = "data:audio/wav;base64," + base64.b64encode(OWN).decode()
HLS = ("#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:9")
MPD = '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period>'
SET = '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="9" codecs="mp4a.40.2">'
SEGMENTS = '<SegmentList duration="9"><Initialization sourceURL="ADDRESS"/><SegmentURL media="ADDRESS"/></SegmentList>'
END = "</Representation></AdaptationSet></Period></MPD>"


def box(kind: str, *content: bytes) -> bytes:
    """An atom of a QuickTime file."""
    inside = b"".join(content)
    return struct.pack(">I", 8 + len(inside)) + kind.encode() + inside


def movie(reference: bytes, *, reel: bytes = b"") -> bytes:
    """A QuickTime file with one track of 8,000 16-bit samples that lie where a data reference says."""
    zeros = bytes
    stsd = box("sowt", zeros(6), struct.pack(">HHHIHHHHI", 1, 0, 0, 0, 1, 16, 0, 0, 8_000 << 16))
    stbl = box(
        "stbl",
        box("stsd", zeros(4), struct.pack(">I", 1), stsd),
        box("stts", zeros(4), struct.pack(">III", 1, 8_000, 1)),
        box("stsc", zeros(4), struct.pack(">IIII", 1, 1, 8_000, 1)),
        box("stsz", zeros(4), struct.pack(">II", 2, 8_000)),
        box("stco", zeros(4), struct.pack(">II", 1, 44)),
    )
    dinf = box("dinf", box("dref", zeros(4), struct.pack(">I", 1), reference))
    minf = box("minf", box("smhd", zeros(8)), dinf, stbl)
    mdhd = box("mdhd", zeros(12), struct.pack(">IIHH", 8_000, 8_000, 0, 0))
    hdlr = box("hdlr", zeros(4), b"mhlrsoun", zeros(12), b"\0")
    unit = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    tkhd = box("tkhd", b"\0\0\0\7", zeros(8), struct.pack(">III", 1, 0, 8_000), zeros(16), unit, zeros(8))
    mvhd = box(
        "mvhd", zeros(12), struct.pack(">IIIH", 8_000, 8_000, 1 << 16, 256), zeros(10), unit, zeros(24), b"\0\0\0\2"
    )
    trak = box("trak", tkhd, box("mdia", mdhd, hdlr, minf))
    return box("ftyp", b"qt  ", zeros(4), b"qt  ") + box("moov", mvhd, trak, reel)


def url_reference(address: str) -> bytes:
    return movie(box("url ", bytes(4), address.encode() + b"\0"))


def alias_reference(address: str) -> bytes:
    """A data reference by a Macintosh alias, whose tags name the absolute path and the folder."""
    path = address.encode()
    name = path.rsplit(b"/", 1)[-1][:63]
    head = bytes(10) + b"\0" + bytes(27) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    tags = struct.pack(">hh", 1, 1) + bytes(16)
    for tag, value in ((0, path), (2, path), (18, path)):
        tags += struct.pack(">hH", tag, len(value)) + value + bytes(len(value) % 2)
    return movie(box("alis", bytes(4), head + tags + struct.pack(">hH", -1, 0)))


def reference_movie(address: str) -> bytes:
    """A QuickTime file that names another one to be played in its place."""
    named = address.encode() + b"\0"
    reel = box("rmra", box("rmda", box("rdrf", bytes(4), b"url ", struct.pack(">I", len(named)), named)))
    return movie(box("url ", b"\0\0\0\1"), reel=reel)


def linked_picture(address: str) -> bytes:
    """An MP3 file whose cover is a link (ID3v2.3, section 4.15)."""
    frame = b"\0-->\0\3\0" + address.encode()
    link = b"\0\0" + address.encode()
    tags = b"".join(name + struct.pack(">IH", len(own), 0) + own for name, own in ((b"APIC", frame), (b"WXXX", link)))
    size = bytes((len(tags) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + tags + sndfile(tone(440, 1), 8_000, "MP3")


def linked_flac_picture(address: str) -> bytes:
    """A FLAC file whose cover is a link (RFC 9639, section 8.8)."""
    url = address.encode()
    picture = struct.pack(">II", 3, 3) + b"-->" + struct.pack(">IIIIII", 0, 1, 1, 24, 0, len(url)) + url
    flac = sndfile(tone(440, 1), 8_000, "FLAC")
    return flac[:42] + bytes([6]) + len(picture).to_bytes(3, "big") + picture + flac[42:]


def subtitled_video(address: str) -> bytes:
    """An AVI file whose subtitles, within a chunk of its own, are a playlist."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)

    inner = playlist(*HLS, "#EXTINF:9,", "ADDRESS", "#EXT-X-ENDLIST")(address)
    gab2 = b"GAB2\0" + struct.pack("<HIHHI", 2, 2, 0, 4, len(inner)) + inner
    head = chunk(b"avih", struct.pack("<14I", 40_000, 0, 0, 16, 1, 0, 1, 0, 2, 2, 0, 0, 0, 0))
    stream = chunk(b"strh", b"txts" + bytes(16) + struct.pack("<7I", 1, 25, 0, 1, 0, 0, 0) + bytes(8))
    strl = chunk(b"LIST", b"strl" + stream + chunk(b"strf", b""))
    movi = chunk(b"LIST", b"movi" + chunk(b"00tx", gab2))
    return chunk(b"RIFF", b"AVI " + chunk(b"LIST", b"hdrl" + head + strl) + movi)


def windows_media(address: str) -> bytes:
    """The header of an ASF file with a script command that opens an address (ASF specification, section 3.6)."""
    guid = bytes.fromhex
    command = "".join(("URL", address)).encode("utf-16-le")
    script = (
        guid("301afb1e620bd011a39b00a0c90348f6")
        + bytes(16)
        + struct.pack("<HH", 1, 1)
        + struct.pack("<H", 3)
        + command[:6]
        + struct.pack("<IHH", 0, 0, len(address))
        + command[6:]
    )
    script = script[:16] + struct.pack("<Q", len(script) + 8) + script[16:]
    return guid("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIBB", 30 + len(script), 1, 1, 2) + script


KINDS: dict[str, Callable[[str], bytes]] = {
    "hls": playlist(*HLS, "#EXTINF:9,", "ADDRESS", "#EXT-X-ENDLIST"),
    "hls-key": playlist(*HLS, '#EXT-X-KEY:METHOD=AES-128,URI="ADDRESS"', "#EXTINF:9,", DATA, "#EXT-X-ENDLIST"),
    "hls-map": playlist(*HLS, '#EXT-X-MAP:URI="ADDRESS"', "#EXTINF:9,", DATA, "#EXT-X-ENDLIST"),
    "hls-master": playlist("#EXTM3U", "#EXT-X-STREAM-INF:BANDWIDTH=9", "ADDRESS"),
    "hls-media": playlist(
        "#EXTM3U",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="ADDRESS"',
        '#EXT-X-STREAM-INF:BANDWIDTH=9,AUDIO="a"',
        "ADDRESS",
    ),
    "hls-behind-a-tag": lambda address: b"ID3\3\0\0\0\0\0\0" + KINDS["hls"](address),
    "hls-in-subtitles": subtitled_video,
    "m3u": playlist("ADDRESS"),
    "ffconcat": playlist("ffconcat version 1.0", "file 'ADDRESS'"),
    "ffconcat-option": playlist(
        "ffconcat version 1.0", f"file '{DATA}'", "option protocol_whitelist all", "file ADDRESS"
    ),
    "dash": playlist('<?xml version="1.0"?>', MPD, SET, "<BaseURL>ADDRESS</BaseURL>", SEGMENTS, END),
    "dash-xxe": playlist(
        '<?xml version="1.0"?>',
        '<!DOCTYPE MPD [<!ENTITY % outer SYSTEM "ADDRESS"> %outer; <!ENTITY inner SYSTEM "ADDRESS">]>',
        f"{MPD}<BaseURL>&inner;</BaseURL>{SET}{SEGMENTS}{END}",
    ),
    "imf": playlist(
        '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><AssetList><Asset>',
        "<ChunkList><Chunk><Path>ADDRESS</Path></Chunk></ChunkList></Asset></AssetList></AssetMap>",
    ),
    "sdp": playlist(
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=ADDRESS", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 9 RTP/AVP 0"
    ),
    "rtsp-text": playlist("RTSPtext", "ADDRESS"),
    "asx": playlist('<asx version="3.0"><entry><ref href="ADDRESS"/></entry></asx>'),
    "asf-reference": playlist("[Reference]", "Ref1=ADDRESS"),
    "asf-script": windows_media,
    "pls": playlist("[playlist]", "File1=ADDRESS", "NumberOfEntries=1", "Version=2"),
    "xspf": playlist(
        '<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>ADDRESS</location></track>',
        "</trackList></playlist>",
    ),
    "smil": playlist('<smil><body><audio src="ADDRESS"/></body></smil>'),
    "ram": lambda address: b".ra\xfd " + address.encode(),
    "cue": playlist('FILE "ADDRESS" WAVE', "  TRACK 01 AUDIO", "    INDEX 01 00:00:00"),
    "avisynth": playlist('DirectShowSource("ADDRESS")'),
    "vobsub": playlist("# VobSub index file, v7 (do not modify this line!)", "# ADDRESS", "id: en, index: 0"),
    "ffmetadata": playlist(";FFMETADATA1", "title=ADDRESS"),
    "lavfi": playlist("amovie=ADDRESS"),
    "quicktime-url": url_reference,
    "quicktime-alias": alias_reference,
    "quicktime-rmra": reference_movie,
    "mp3-linked-cover": linked_picture,
    "flac-linked-cover": linked_flac_picture,
    "wav-then-playlist": lambda address: OWN + KINDS["hls"](address),
}


def secret_sound() -> bytes:
    """What no answer may hold: a tone that no other file has."""
    return sndfile(np.asarray(tone(3_000, 1)), 8_000)
