"""What caches know objects by: their identity, never a look at their arrays or an argument left out of the key."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st

from bstviz.models.run import load_run
from bstviz.ui.cache import classifiers, latent_space, loading, versions
from bstviz.ui.confusion.sides import Pooled, at, families

UI = Path(loading.__file__).parents[1]


def test_no_cached_function_leaves_an_argument_out_of_its_key() -> None:
    found = {
        function.name
        for file in UI.rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(decorator.startswith(("st.cache_", "kept(")) for decorator in map(ast.unparse, function.decorator_list))
        and any(argument.arg.startswith("_") for argument in (*function.args.args, *function.args.kwonlyargs))
    }
    assert found == set()


def test_what_holds_arrays_is_kept_within_the_limit_of_bytes() -> None:
    others = {
        function.name
        for file in UI.rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any("st.cache_resource" in ast.unparse(decorator) for decorator in function.decorator_list)
    }
    assert others == {
        "warm",
        "_shown",
        "_names",
        "_drawn",
    }  # words and numbers, and what one map draws


def test_a_run_saved_again_is_another_one_to_caches(experiment: Path) -> None:
    path = next(iter(loading.infos()))
    before = loading.load(path)
    assert loading.load(path).identity == before.identity
    replace(load_run(path), temperature=3.0).save(path)
    versions.reload()
    after = loading.load(path)
    assert after.identity != before.identity
    assert classifiers.classifier(after).run.temperature == 3.0
    assert latent_space.index(after) is not latent_space.index(before)


def test_answers_are_told_apart_by_their_runs_and_sounds(experiment: Path) -> None:
    family = next(iter(families(list(loading.infos().values())).values()))
    trained = next(iter(family))
    pooled = at(family, trained, 1)
    assert at(family, trained, 1).identity == pooled.identity
    fewer = Pooled(pooled.folds, pooled.answers.where(np.arange(len(pooled.answers)) > 0))
    assert fewer.identity != pooled.identity


def test_a_collection_that_comes_back_is_shown_again(experiment: Path) -> None:
    path = next(iter(loading.infos()))
    collection = loading.load(path).collection
    assert collection is not None
    assert collection.folder is not None
    table = collection.folder / "sounds.parquet"
    st.cache_resource.clear()
    away = table.rename(table.with_name("away.parquet"))
    try:
        assert "sounds.parquet" in (loading.load(path).problem or "")
    finally:
        away.rename(table)
    assert loading.load(path).problem is None
