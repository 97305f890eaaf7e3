"""Words that may be new to whoever looks at a page, a sentence each: what stands behind every "?"."""

from __future__ import annotations

TERMS: dict[str, str] = {
    # Sounds, labels, runs
    "Collection": "Sounds with their labels and embeddings.",
    "Run": "One trained model: one fold, its weights, and its predictions for a collection.",
    "Experiment": "A folder of runs that can be compared with each other.",
    "Fold": "One part of the collection, kept for the test. Every fold has a model of its own, trained on the others.",
    "Out of fold": "Predicted by a model whose training did not include the sound.",
    "Test sounds": "Sounds that the model was not trained on. What is measured is measured on these.",
    "Split": "What the model used a sound for: training, validation (to stop in time) or test.",
    "Setting": "What a model was trained with, apart from the fold: loss, modality, annotation confidence and recipe.",
    "Recipe": "Named settings of a training; “paper” has those of the published paper.",
    "Modality": "What the model takes: the audio, words about it (title, tags), or both.",
    "Loss": "What training minimises. Hierarchical: errors within a top-level class cost less than errors between two. "
    "Non-hierarchical (flat): all errors cost the same.",
    "Hierarchical": "Trained on both levels: sounds of one top-level class are drawn together, and mistaking one "
    "top-level class for another costs more.",
    "Non-hierarchical": "Trained on the second-level classes alone; it does not know that they belong to top-level "
    "classes. Also called flat.",
    "Top level": "Whether the broad class is right: that of the taxonomy’s upper level.",
    "Second level": "Whether the exact class is right: one of those within the broad classes.",
    "Annotation confidence": "How sure the annotator was of the label, from 1 (unsure) to 5 (certain). “≥ 3” leaves "
    "out the labels that were less sure.",
    "Confidence": "The probability that the model gives to the class it predicts.",
    "Given label": "The class that the collection states for the sound.",
    "Suggested label": "The class that models and nearest neighbours support most.",
    "Label quality": "How well models and nearest neighbours support the given label. The lowest are likely wrong.",
    "Predictions": "Whether the models agree with the given label, all against it, or differ from each other.",
    # Spaces and maps
    "Embedding": "What a pre-trained encoder makes of a sound or of words: a long list of numbers.",
    "Latent space": "The 64 numbers that a model makes of a sound before it chooses a class. Sounds that it takes to "
    "be alike lie near each other.",
    "Projection": "How the latent space is flattened for the eye. PCA: the straight directions with most spread. "
    "UMAP: keeps neighbours together; distances between groups mean little.",
    "Dimensions": "Of the map, 2 or 3. The latent space has more; neighbours are always searched in all of them.",
    "Trustworthiness": "How many neighbours on the map are neighbours in the latent space; 1: all of them.",
    "Neighbours": "The sounds that lie nearest in the latent space, by cosine distance over all of its dimensions.",
    "Score": "Cosine similarity to the words, or to the sounds for, less that to those against. Of words and sounds: "
    "the sum of both, each in standard deviations from its mean.",
    "Distance": "Cosine distance in the latent space, from 0 (the same direction) to 2.",
    "Changed neighbourhood": "How many of a sound's ten nearest sounds differ between two models; 0: none, 1: all.",
    "Silhouette": "How much nearer sounds lie to their own class than to the next one, from −1 to 1. Higher: classes "
    "stand apart more clearly.",
    "Colour": "What the dots of the map are coloured by: a class, whether the prediction is right, or a column of the "
    "table.",
    "Unit-length latents": "Latents divided by their length, so that only their direction counts, as it does for "
    "neighbours.",
    "Class names": "Writes each class where most of its sounds lie.",
    # Measures
    "Accuracy": "Percent of sounds whose class is predicted correctly.",
    "Hierarchical F1": "Precision and recall in one number, averaged over classes, in which a wrong class "
    "of the right top-level class counts 0.375 of a right one.",
    "Precision": "Percent of the sounds predicted as a class that belong to it.",
    "Interval": "Where the figure would lie in 95 of 100 tests on other sounds of the same kind.",
    "Calibration": "Whether a model is right as often as it is confident: of predictions at 80 %, 80 in 100.",
    "Cells": "What stands in a cell: percent of the sounds of its true class (a row), percent of those predicted as "
    "the class (a column), or their number.",
    "Excess": "Errors beyond those that the classes of the group's sounds explain.",
    "In reverse": "Sounds of the opposite cell: of the second class, predicted as the first.",
    "Resample": "What is drawn again and again to see how far a figure would vary: single sounds, or all sounds of one "
    "uploader together, which is the more careful way.",
    # One sound
    "Novelty": "How far a sound lies from its nearest sounds, against what is usual in the collection.",
    "Attention": "How much the model takes from the audio and how much from the words.",
    "Models": "Which trained models answer. Each was trained on its own part of the collection.",
}
"""By the word as it stands on a page."""


def meaning(term: str) -> str:
    """The sentence of a term; KeyError where the table has none."""
    return TERMS[term]


def meanings(*terms: str) -> str:
    """The sentences of several terms as Markdown, each after its term."""
    return "  \n".join(f"**{term}**: {TERMS[term]}" for term in terms)
