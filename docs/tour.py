"""bstviz from Python in a dozen lines: python docs/tour.py door.wav map.html"""

import sys

import pandas as pd

import bstviz
from bstviz.paths import assets

sound, page = sys.argv[1:]
runs = {loss: bstviz.load_run(assets() / "runs" / f"{loss}-audio-c1-fold0") for loss in ("hierarchical", "flat")}
print(runs["hierarchical"].frame().head().to_string())
bstviz.latent_map(runs["hierarchical"], color="top").write_html(page)
answer = bstviz.load_classifier().classify(sound)
print(answer.top[0], answer.second[0])
print(pd.DataFrame({loss: bstviz.evaluate(run) for loss, run in runs.items()}))  # accuracy and structure side by side
