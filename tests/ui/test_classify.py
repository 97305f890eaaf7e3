"""The page of dropped sounds, run without a browser on the bundled models."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bstviz import paths, synth
from bstviz.audio import decode, playback
from bstviz.audio.sound import Sound
from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.errors import AwayError
from bstviz.inference.classify import Classifier, load_classifier
from bstviz.inference.pool import text_model_beside
from bstviz.training.train import train_fold
from bstviz.ui.classify import embedding
from tests import anomalous_sounds
from tests.fakes import RATE, FakeAudioEncoder, FakeTextEncoder, quick, stratified, tone, with_descriptions
from tests.jobs import pieces
from tests.ui.conftest import seen, sent, settled
from tests.ui.test_pages import bundled, open_page

BAR = re.compile(r'data-class="([^"]+)" data-probability="([^"]+)"')


def sound(sound_id: str) -> bytes:
    return playback.to_wav(synth.render(sound_id), synth.SAMPLE_RATE)


def upload(app: AppTest, files: dict[str, bytes]) -> AppTest:
    app.file_uploader(key="classify.files").set_value([(n, d, "audio/wav") for n, d in files.items()]).run()
    assert not settled(app).exception
    return app


def pictures(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html")]


def test_a_dropped_file_gets_the_librarys_probabilities_from_both_models(tmp_path: Path) -> None:
    (tmp_path / "0003.wav").write_bytes(sound("fx-a-003"))
    app = upload(open_page("classify.py"), {"0003.wav": sound("fx-a-003")})
    bars = [BAR.findall(body) for body in pictures(app) if BAR.search(body)]
    assert len(bars) == 2
    runs = [str(bundled(f"{name}-audio-c1-fold0").folder) for name in ("hierarchical", "flat")]
    best = load_classifier(*runs).classify(tmp_path / "0003.wav").second[0]
    on_top = next(body for body in pictures(app) if "data-answer" in body)
    assert f"<b>{100 * best.probability:.0f} %</b>" in on_top
    assert bst()[best.code].name in on_top
    for own, name in zip(bars, ("hierarchical", "flat"), strict=True):
        answer = Classifier(bundled(f"{name}-audio-c1-fold0")).classify(tmp_path / "0003.wav")
        expected = [*answer.top, *answer.second[:5]]
        assert [code for code, _ in own] == [r.code for r in expected]
        assert [float(p) for _, p in own] == pytest.approx([r.probability for r in expected], abs=1e-4)
    text = " ".join(pictures(app))
    assert "lie nearer to their neighbours" in text
    assert "agree" in text
    assert len(sent(app, "player")) == 1
    assert len(sent(app, "sound_list")[0]["rows"]) == 10


def test_of_files_none_of_which_can_be_read_each_is_named_with_its_reason() -> None:
    app = upload(open_page("classify.py"), {"a.wav": b"no sound", "b.wav": b"", "c.mka": bytes(90)})
    (table,) = app.dataframe
    assert table.value["file"].tolist() == ["a.wav", "b.wav", "c.mka"]
    assert table.value["remarks"].str.contains("could not be decoded|is empty").all()


def test_a_connection_that_breaks_for_a_moment_loses_nothing_of_what_was_made() -> None:
    app = upload(open_page("classify.py"), {"a.wav": b"no sound", "b.wav": b""})
    before = app.session_state[embedding.SHELF]
    assert len(before.rows) == 2
    st.cache_resource.clear(), st.cache_data.clear()  # as Streamlit does with a session's own at every break
    assert not app.run().exception
    assert app.session_state[embedding.SHELF] is before


def test_what_the_machine_could_not_do_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(data: bytes, *, name: str) -> Sound:
        raise AwayError(f"{name} was not decoded: the machine is busy. Try again.")

    app, files = open_page("classify.py"), {"a.wav": sound("fx-a-003")}
    with monkeypatch.context() as patch:
        patch.setattr(decode, "decode", busy)
        app.file_uploader(key="classify.files").set_value([(n, d, "audio/wav") for n, d in files.items()]).run()
        assert "machine is busy" in seen(app.error[0].value)
    app.run()
    assert not app.error
    assert BAR.search("".join(pictures(app)))


def test_the_words_of_a_files_name_count_until_they_are_switched_off() -> None:
    new = playback.to_wav(synth.render("fx-a-003")[500:], synth.SAMPLE_RATE)  # no sound of the demo
    app = upload(open_page("classify.py"), {"Heavy-Rain_02.wav": new})
    classifier = load_classifier()
    alone = classifier.classify(new, name="Heavy-Rain_02.wav")
    beside = text_model_beside(classifier.run)
    assert beside is not None
    pooled = beside.join(alone, "heavy rain", classifier.runs)
    assert pooled.parts is not None

    def shown() -> tuple[str, str]:
        text = " ".join(pictures(app))
        return re.findall(r"<b>(\d+ %)</b>", text)[0], " ".join(re.findall(r"data-words[^>]*>([^<]*)<", text))

    headline, words = shown()
    assert headline == f"{100 * pooled.second[0].probability:.0f} %"
    assert "By the words “heavy rain”" in words
    assert bst()[pooled.parts.by_words.second[0].code].name in words
    app.toggle(key="classify.names").set_value(False).run()
    assert not app.exception
    assert shown() == (f"{100 * alone.second[0].probability:.0f} %", "")


def test_words_that_fail_are_the_remark_of_their_own_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "embed_texts", pieces.picky)
    new = playback.to_wav(synth.render("fx-a-003")[700:], synth.SAMPLE_RATE)
    app = upload(open_page("classify.py"), {"Heavy-Rain_02.wav": new, "Howling-Wind_04.wav": new})
    assert app.dataframe[0].value["words"].tolist()[0] == "heavy rain"
    assert app.dataframe[0].value["remarks"].tolist()[1] == "These words cannot be read."


def test_dropped_rubbish_gets_a_sentence() -> None:
    app = upload(open_page("classify.py"), {"notes.wav": b"not audio at all"})
    assert "could not be decoded" in app.error[0].value


def test_words_bring_in_the_models_that_read() -> None:
    app = upload(open_page("classify.py"), {"loop.wav": sound("m-sp-001")})
    app.text_input(key="classify.title").set_value("drum loop 120 bpm").run()
    assert not app.exception
    shown = [body for body in pictures(app) if BAR.search(body)]
    assert len(shown) == 4
    assert ["Attention: sound" in body for body in shown] == [True, False, True, False]  # one column per loss
    answer = Classifier(bundled("hierarchical-both-c1-fold0"))
    embedded = answer.embed_audio(synth.render("m-sp-001"), synth.SAMPLE_RATE)
    best = answer.answer(embedded, answer.embed_text("drum loop 120 bpm")).top[0]
    assert float(BAR.findall(shown[0])[0][1]) == pytest.approx(best.probability, abs=0.02)


def test_each_model_takes_the_words_of_its_own_fields(
    collection: Collection,
    encoders: tuple[FakeAudioEncoder, FakeTextEncoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both, texts = with_descriptions(collection), (None, "title+tags+description")
    runs = [train_fold(both, stratified(both), 0, quick(modality="both", epochs=2, text=text)) for text in texts]
    for run in runs:
        run.save(tmp_path / run.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    app = open_page("classify.py")
    app.text_input(key="classify.title").set_value("rain").run()
    app.text_area(key="classify.description").set_value("on a tent").run()
    upload(app, {"tone.wav": playback.to_wav(tone(440), RATE)})
    shown = [BAR.findall(body)[0] for body in pictures(app) if BAR.search(body)]
    for bar, run, words in zip(shown, runs, ("rain", "rain. on a tent"), strict=True):
        classifier = Classifier(run)
        answer = classifier.answer(classifier.embed_audio(tone(440), RATE), classifier.embed_text(words))
        assert (bar[0], float(bar[1])) == (answer.top[0].code, pytest.approx(answer.top[0].probability, abs=1e-3))
    app.text_input(key="classify.title").set_value("").run()
    assert len([body for body in pictures(app) if BAR.search(body)]) == 1  # the other one knows none of these words


def test_many_files_make_a_table_to_filter_and_take_away() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("more/water.wav", sound("ss-n-001"))
        out.writestr("more/notes.txt", "no sound")
    files = {
        "a.wav": sound("fx-a-003"),
        "b.wav": sound("m-sp-001"),
        "notes.wav": b"not audio",
        "more.zip": archive.getvalue(),
    }
    app = upload(open_page("classify.py"), files)
    table = app.dataframe[0].value
    assert table["file"].tolist() == ["a.wav", "b.wav", "notes.wav", "more.zip/more/water.wav"]
    assert "could not be decoded" in table["remarks"][2]
    assert table["probability"].isna().tolist() == [False, False, True, False]
    app.pills(key="classify.marks").set_value(["could not be read"]).run()
    assert app.dataframe[0].value["file"].tolist() == ["notes.wav"]


def test_a_refused_archive_says_why_and_stops_nothing_else() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("../out.wav", sound("fx-a-003"))
    app = upload(open_page("classify.py"), {"bad.zip": archive.getvalue(), "a.wav": sound("fx-a-003")})
    assert "leads out of the archive" in app.error[0].value
    assert any(BAR.search(body) for body in pictures(app))


def test_names_of_files_are_shown_as_they_are() -> None:
    name = "<b>*x*[y](http://z)</b>.wav"
    app = upload(open_page("classify.py"), {name: sound("fx-a-003")})
    shown = next(m.value for m in app.markdown if "http" in m.value)
    assert "<b>" not in shown
    assert "\\*x\\*" in shown


def test_the_page_says_that_nothing_is_kept() -> None:
    assert any("nothing is kept on disk" in c.value for c in open_page("classify.py").caption)


@pytest.mark.slow
def test_every_anomalous_and_broken_file_goes_through_the_page() -> None:
    corpus = anomalous_sounds.corpus()
    assert len(corpus) >= 300
    app = upload(open_page("classify.py"), {case.name: case.data for case in corpus})
    table = app.dataframe[0].value.set_index("file")
    assert len(table) == len(corpus)
    for case in corpus:
        row = table.loc[case.name]
        assert (row["class"] in bst().codes) != bool(case.refused), case.name
        assert (case.refused or case.remark) in row["remarks"], case.name


def test_runs_of_one_setting_answer_together() -> None:
    app = open_page("classify.py")
    text = seen(next(c.value for c in app.caption if "Predicted by" in c.value))
    assert "hierarchical audio, flat audio, hierarchical audio + text, flat audio + text" in text
