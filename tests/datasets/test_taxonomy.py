from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.taxonomy import (
    SoundClass,
    Taxonomy,
    bst,
    load_taxonomy,
    shades,
    taxonomy_entry,
    taxonomy_from,
)
from bstviz.errors import UserError
from bstviz.paths import assets

BST_SECOND_LEVEL = (
    "m-sp m-si m-m is-p is-s is-w is-k is-e sp-s sp-c sp-p "
    "fx-o fx-v fx-m fx-h fx-a fx-n fx-ex fx-el ss-n ss-i ss-u ss-s"
)


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_bst_has_the_published_classes_in_order() -> None:
    assert bst().codes == tuple(BST_SECOND_LEVEL.split())
    assert bst().top_codes == ("m", "is", "sp", "fx", "ss")


def test_every_bst_class_lies_under_the_prefix_of_its_code() -> None:
    for code, parent in zip(bst().codes, bst().parents, strict=True):
        assert bst().top_codes[parent] == code.split("-")[0] == bst().parent_of(code)


def test_bst_indices_run_from_hundreds_of_their_top_class() -> None:
    numbers = [c.index for c in bst().second]
    assert numbers[0] == 101
    assert numbers[-1] == 504
    assert all(n is not None and n // 100 == p + 1 for n, p in zip(numbers, bst().parents, strict=True))
    assert Counter(n // 100 for n in numbers if n) == {1: 3, 2: 5, 3: 3, 4: 8, 5: 4}


def test_bst_top_classes_have_the_colours_people_know() -> None:
    assert [c.color for c in bst().top] == ["#e65550", "#ffdf00", "#b66dd3", "#2385ca", "#2ca52c"]


def test_every_bst_class_has_its_own_colour_a_name_and_a_definition() -> None:
    classes = (*bst().top, *bst().second)
    assert len({c.color for c in bst().second}) == 23
    assert all(c.name and c.definition for c in classes)
    assert bst()["fx-n"].name == "Natural elements and explosions"


@pytest.mark.parametrize(
    ("code", "says", "never"),
    [
        ("is", "variants scale", "chord"),
        ("m-si", "chords sings singing", ""),
        ("is-s", "note scale", "chord struck"),
        ("is-w", "note scale", "chord stab"),
        ("is-k", "piano keyboard not|synthesised harpsichord organ", "chord electric"),
        ("is-e", "synthesised electronic", "chord stab"),
        ("fx", "isolated one|at|a|time", ""),
        ("fx-o", "home small tools weapons clothes small|house|appliances", "machine"),
        ("fx-m", "neither|vehicles small|house|appliances clock drill lawn|mower", "tool printer"),
        ("fx-h", "body speech|excepted walking claps", ""),
        ("fx-n", "natural|processes explosions", ""),
        ("sp-p", "indirect radio phone processed synthetic", ""),
        ("ss-i", "factory bar room|tone", ""),
        ("ss-u", "outdoor works|of|people", ""),
        ("ss-s", "synthesised imaginary", ""),
    ],
)
def test_bst_definitions_agree_with_the_official_scope(code: str, says: str, never: str) -> None:
    text = f"{bst()[code].definition} {bst()[code].examples}".lower()
    assert [word for word in says.split() if word.replace("|", " ") not in text] == []
    assert [word for word in never.split() if re.search(rf"\b{word}", text)] == []


def test_bst_definitions_know_no_chord_as_an_instrument_sample() -> None:
    for c in bst().second:
        assert "heard" not in c.definition
        if c.parent == "is":
            assert not re.search(r"\bchord", c.definition + c.examples)


def test_the_hash_of_bst_is_what_it_was_before_its_definitions_were_corrected() -> None:
    assert bst().hash == "d5182317257d1ddbe09f2148ba52594a326660b26522ae5ab948c7d54d13bf62"


def test_a_header_with_the_definitions_of_before_is_read_with_todays() -> None:
    header = json.loads((assets() / "demo" / "collection.json").read_text(encoding="utf-8"))
    assert taxonomy_from(header["taxonomy"]) == bst()
    own = dict(header["taxonomy"], classes=[dict(c, definition="mine") for c in header["taxonomy"]["classes"]])
    assert {c.definition for c in taxonomy_from(own).second} == {"mine"}


def test_texts_that_a_data_set_brings_stay_with_the_header() -> None:
    told = bst().described({"fx-a": ("Animals, officially.", "dog"), "fx-o": ("", "x"), "zz": ("?", "")}, "B.csv")
    assert (told["fx-a"].definition, told["fx-a"].examples) == ("Animals, officially.", "dog")
    assert told["fx-o"] == bst()["fx-o"]
    assert (told.hash, told.texts_from) == (bst().hash, "B.csv")
    assert taxonomy_from(taxonomy_entry(told)) == told
    assert "texts_from" not in taxonomy_entry(bst())


def test_encode_marks_what_is_no_second_level_class() -> None:
    labels = bst().encode(["m-sp", "ss-s", "fx", "fx-other", None, float("nan"), "M-SP"])  # type: ignore[list-item]
    assert labels.tolist() == [0, 22, -1, -1, -1, -1, -1]
    assert labels.dtype == np.int64


def test_top_mass_sums_the_classes_of_each_parent() -> None:
    mass = bst().top_mass(np.full((2, 23), 1 / 23))
    np.testing.assert_allclose(mass, np.tile(np.array([3, 5, 3, 8, 4]) / 23, (2, 1)))


def test_argmax_takes_the_most_probable_class_and_top_down_the_best_within_the_best_top_class() -> None:
    probabilities = np.zeros((2, 23))
    for code, share in {"m-sp": 0.4, "fx-a": 0.35, "fx-o": 0.25}.items():
        probabilities[0, bst().codes.index(code)] = share
    probabilities[1, bst().codes.index("ss-n")] = 1
    assert [bst().codes[i] for i in bst().argmax(probabilities)] == ["m-sp", "ss-n"]
    assert [bst().codes[i] for i in bst().top_down(probabilities)] == ["fx-a", "ss-n"]
    for name, function in (("argmax", bst().argmax), ("top_down", bst().top_down)):
        np.testing.assert_array_equal(bst().decode(probabilities, name), function(probabilities))  # type: ignore[arg-type]


def test_top_down_by_the_definition_on_random_probabilities() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.full(23, 0.3), 500).astype(np.float32)
    labels = bst().top_down(probabilities)
    for row, label in zip(probabilities, labels, strict=True):
        sums = [row[bst().parents == top].sum() for top in range(5)]
        inside = np.flatnonzero(bst().parents == int(np.argmax(sums)))
        assert label == inside[row[inside].argmax()]
    assert (labels != bst().argmax(probabilities)).any()


def test_an_unknown_code_is_named_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'fx-zz'.*fx-a"):
        bst()["fx-zz"]
    assert "fx-a" in bst()
    assert "fx-zz" not in bst()


def test_a_top_level_class_has_no_parent() -> None:
    with pytest.raises(UserError, match="top-level"):
        bst().parent_of("fx")


def test_another_taxonomy_loads_from_csv_grouped_by_parent(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "birds.csv", "code,parent,name\nb,,Birds\nt,,Traffic\nt-c,t,Car\nb-o,b,Owl\nt-b,t,Bus\nb-r,b,Robin\n"
    )
    taxonomy = load_taxonomy(file)
    assert taxonomy.id == "birds"
    assert taxonomy.codes == ("b-o", "b-r", "t-c", "t-b")
    assert taxonomy.parents.tolist() == [0, 0, 1, 1]
    assert all(c.color.startswith("#") and len(c.color) == 7 for c in (*taxonomy.top, *taxonomy.second))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,name\na,A\n", "parent"),
        ("code,parent,name\na,,A\na-x,a,X\na-x,a,Y\n", "repeats the codes a-x"),
        ("code,parent,name\na,,A\na-x,q,X\n", "parent 'q'"),
        ("code,parent,name\na,,A\n", "both levels"),
        (
            "code,parent,name,color\na,,A,#abc\na-x,a,X,\n",
            "color of class 'a' is '#abc'; allowed is a color as #rrggbb",
        ),
    ],
)
def test_a_wrong_taxonomy_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_taxonomy(write_csv(tmp_path / "wrong.csv", text))


def test_a_missing_taxonomy_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read|not UTF-8"):
        load_taxonomy(tmp_path / "nowhere.csv")


def test_a_taxonomy_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(UserError, match=r"cannot be read|not UTF-8"):
        load_taxonomy(tmp_path / "sheet.csv")


def test_the_hash_depends_on_order_and_parents_and_not_on_names() -> None:
    taxonomy = bst()
    swapped = Taxonomy("bst", taxonomy.top, (taxonomy.second[1], taxonomy.second[0], *taxonomy.second[2:]))
    moved = (dataclasses.replace(taxonomy.second[0], parent="fx"), *taxonomy.second[1:])
    renamed = (dataclasses.replace(taxonomy.second[0], name="Drums"), *taxonomy.second[1:])
    assert swapped.hash != taxonomy.hash
    assert Taxonomy("bst", taxonomy.top, moved).hash != taxonomy.hash
    assert Taxonomy("other", taxonomy.top, renamed).hash == taxonomy.hash


def test_a_code_may_not_stand_at_both_levels() -> None:
    def named(code: str, parent: str | None) -> SoundClass:
        return SoundClass(code, parent, None, code, "#000000", "", "")

    with pytest.raises(UserError, match="repeats"):
        Taxonomy("twice", (named("a", None),), (named("a", "a"),))


def test_shades_are_distinct_and_run_from_dark_to_light() -> None:
    colors = shades("#2385ca", 8)
    brightness = [
        max(int(c[i : i + 2], 16) for i in (1, 3, 5)) + min(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in colors
    ]
    assert len(set(colors)) == 8
    assert brightness == sorted(brightness)
