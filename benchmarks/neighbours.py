"""Ten nearest neighbours of one sound: exact search by matrix product against an approximate index.

``python -m benchmarks.neighbours`` prints, for sizes up to a million clustered 64-d latents, the milliseconds a query
takes (median), the seconds until the first answer is there, and how many of the true neighbours are found.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from bstviz.latent.neighbours import Index, unit


def latents(n: int) -> np.ndarray:
    """n latents in 23 clusters, (n, 64) float32."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(23, 64))[rng.integers(23, size=n)] + 0.5 * rng.normal(size=(n, 64))).astype(np.float32)


def per_query(search: Callable[[np.ndarray], np.ndarray], queries: np.ndarray) -> tuple[float, np.ndarray]:
    """Median seconds of one query at a time, and all answers."""
    times, answers = [], []
    for query in queries:
        start = time.perf_counter()
        answers.append(search(query[None])[0])
        times.append(time.perf_counter() - start)
    return float(np.median(times)), np.array(answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[11_000, 100_000, 1_000_000])
    parser.add_argument(
        "--approximate-limit", type=int, default=100_000, help="largest size to build the approximate index at"
    )
    options = parser.parse_args()
    from pynndescent import NNDescent

    for n in options.sizes:
        points = latents(n)
        queries = points[np.random.default_rng(1).choice(n, 40, replace=False)]
        start = time.perf_counter()
        exact = Index(points)
        built = time.perf_counter() - start
        took, truth = per_query(lambda q, exact=exact: exact.nearest(q, 10)[0], queries)  # type: ignore[misc]
        print(f"{n:>9,} exact:       {1000 * took:7.2f} ms a query, ready after {built:.2f} s", flush=True)
        if n > options.approximate_limit:
            continue
        start = time.perf_counter()
        rough = NNDescent(unit(points), metric="cosine", random_state=0)
        rough.prepare()
        rough.query(queries[:1], k=10)  # compiles
        built = time.perf_counter() - start
        again, found = per_query(lambda q, rough=rough: rough.query(q, k=10)[0], queries)  # type: ignore[misc]
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)])
        print(
            f"{n:>9,} pynndescent: {1000 * again:7.2f} ms a query, ready after {built:.2f} s, recall {recall:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
