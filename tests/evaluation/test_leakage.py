from __future__ import annotations

import pytest
from sklearn.metrics import accuracy_score

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.evaluation.leakage import leakage
from bstviz.models.run import Run
from tests.fakes import small_collection
from tests.latent.conftest import pairs


def test_near_duplicates_in_training_count_and_others_do_not(collection: Collection, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    rows = {
        split: [collection.row_of[i] for i in run.sounds["sound_id"][run.sounds["split"] == split]]
        for split in ("train", "val", "test")
    }
    test = rows["test"]
    ends = [(test[0], rows["train"][0]), (rows["val"][0], test[1]), (test[2], test[3]), tuple(rows["train"][1:3])]
    found = pairs(collection, *(tuple(sorted(pair)) for pair in ends))  # type: ignore[arg-type]
    effect = leakage(found, [run], collection)
    assert (effect.tested, effect.leaked) == (len(test), 2)
    truth, answer = (run.sounds.set_index("sound_id")[c] for c in ("y_true", "y_pred"))
    ids = collection.sounds["sound_id"].iloc[test]
    expected = [accuracy_score(truth[part], answer[part]) for part in (ids, ids[:2], ids[2:])]
    assert effect.second == pytest.approx(expected)
    with pytest.raises(UserError, match="is not what run"):
        leakage(found, [run], small_collection(seed=1))
