from __future__ import annotations

import dataclasses
import json

import pytest

from bstviz.encoders.base import (
    WHOLE,
    EncoderInfo,
    Preprocessing,
    encoder_from,
    fields_of,
    template_of,
    words_of,
)
from bstviz.errors import UserError

WORDS = {"title": " Rain ", "tags": "roof,night", "description": ""}
FIELDS = ("title", "tags", "description")


@pytest.mark.parametrize(
    ("template", "words", "text"),
    [
        ("", WORDS, "Rain. roof,night"),
        ("{title}, {tags}: {description}", WORDS, "Rain, roof,night"),
        ("{tags} {title}", WORDS, "roof,night Rain"),
        ("A sound of {title}. Tags: {tags}!", WORDS, "A sound of Rain. Tags: roof,night!"),
        ("A sound of {title}. Tags: {tags}!", {"tags": "roof"}, "roof!"),
        ("A sound of {title}!", {"title": "  "}, ""),
    ],
)
def test_words_are_joined_by_a_template_that_leaves_out_what_is_empty(
    template: str, words: dict[str, str], text: str
) -> None:
    assert words_of(words, FIELDS, template) == text


def test_a_template_names_its_fields() -> None:
    assert template_of(FIELDS) == "{title}. {tags}. {description}"
    assert fields_of("{tags}: {title}") == ("tags", "title")
    for wrong in ("title, tags", "{}", "{title", "{title!r}"):
        with pytest.raises(UserError, match="text template is"):
            fields_of(wrong)


def test_an_encoder_is_read_back_as_it_was_written() -> None:
    info = EncoderInfo(
        "clap",
        "r",
        512,
        FIELDS,
        "{title} {tags} {description}",
        Preprocessing(30.0, True),
        "crops",
        "abc",
        "via",
        (500, 12),
    )
    back = encoder_from(json.loads(json.dumps(dataclasses.asdict(info) | {"later": 1})))
    assert back is not None
    assert dataclasses.asdict(back) == dataclasses.asdict(info)


def test_what_older_headers_do_not_say_was_done_as_is_the_default() -> None:
    old = encoder_from({"id": "minilm", "revision": "1", "dim": 384, "fields": ["title", "tags"]})
    assert old == EncoderInfo("minilm", "1", 384, ("title", "tags"), "{title}. {tags}")
    assert old.preprocessing == WHOLE


def test_what_changes_vectors_is_part_of_the_identity_and_who_ran_it_is_not() -> None:
    info = EncoderInfo("clap", "r", 512)
    assert info != dataclasses.replace(info, preprocessing=Preprocessing(30.0))
    assert info != dataclasses.replace(info, template="{title}")
    assert info == dataclasses.replace(info, via="transformers", crops="one random set", weights_hash="abc")
    assert info.same_weights(dataclasses.replace(info, weights_hash="abc"))
    assert not dataclasses.replace(info, weights_hash="d").same_weights(dataclasses.replace(info, weights_hash="abc"))


def test_seconds_are_positive() -> None:
    with pytest.raises(UserError, match="max_seconds is 0"):
        Preprocessing(max_seconds=0)
