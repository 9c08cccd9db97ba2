"""The tree's messages against a sum over every state of every variable."""

from itertools import product

import numpy as np

from keyart.models.belief.trust import pool, voiced


def test_pooling_is_exact_on_a_small_tree() -> None:
    rng = np.random.default_rng(0)
    points, titles = 3, 5
    evidence = rng.normal(0.0, 2.0, (points, titles))
    group = np.array([0, 0, 1, 1, 1])
    start = rng.normal(0.0, 1.0, (1, points))
    kernel = rng.dirichlet(np.ones(points), size=points)
    version = np.zeros(titles, np.intp)
    found = pool(evidence, group=group, version=version, start=start, kernel=kernel)

    joint = np.zeros((points, titles))
    root = np.zeros(points)
    for state in product(range(points), repeat=1 + 2 + titles):
        top, groups, own = state[0], state[1:3], state[3:]
        weight = np.exp(start[0, top])
        for each in groups:
            weight *= kernel[top, each]
        for at in range(titles):
            weight *= kernel[groups[group[at]], own[at]] * np.exp(evidence[own[at], at])
        root[top] += weight
        for at in range(titles):
            joint[own[at], at] += weight
    mine = np.exp(found.title + evidence)
    assert np.allclose(mine / mine.sum(axis=0), joint / joint.sum(axis=0))
    assert np.allclose(np.exp(found.version[0]), root)


def test_without_groups_titles_hang_on_their_version() -> None:
    rng = np.random.default_rng(1)
    evidence = rng.normal(0.0, 1.0, (2, 4))
    start, kernel = np.log([[0.7, 0.3]]), np.array([[0.9, 0.1], [0.2, 0.8]])
    version = np.zeros(4, np.intp)
    found = pool(evidence, group=None, version=version, start=start, kernel=kernel)
    root = np.array([0.7, 0.3])
    for at in range(4):
        root = root * (kernel @ np.exp(evidence[:, at]))
    assert np.allclose(np.exp(found.version[0]), root)


def test_a_title_does_not_hear_itself() -> None:
    evidence = np.array([[0.0, 0.0], [9.0, 0.0]])
    kernel = np.array([[0.99, 0.01], [0.01, 0.99]])
    found = pool(
        evidence,
        group=None,
        version=np.zeros(2, np.intp),
        start=np.log([[0.5, 0.5]]),
        kernel=kernel,
    )
    assert np.allclose(np.exp(found.title[:, 0]), [0.5, 0.5])
    assert found.title[1, 1] > found.title[0, 1]


def test_a_title_without_a_voice_tells_spreads_apart_and_trusts_not() -> None:
    rng = np.random.default_rng(2)
    evidence = rng.normal(0.0, 3.0, (6, 4))  # three trusts, two spreads
    voice = np.array([1.0, 0.0, 0.5, 0.0])
    found = voiced(evidence, voice, trusts=3)
    np.testing.assert_allclose(found[:, 0], evidence[:, 0])
    silent, whole = found[:, 1].reshape(3, 2), evidence[:, 1].reshape(3, 2)
    assert np.allclose(silent, silent[0]), "every trust alike"
    np.testing.assert_allclose(
        np.exp(silent).sum(axis=0),
        np.exp(whole).sum(axis=0),
        err_msg="a spread as likely as it was",
    )
    half = found[:, 2].reshape(3, 2)
    np.testing.assert_allclose(
        half[1:] - half[0],
        0.5 * np.diff(evidence[:, 2].reshape(3, 2), axis=0, prepend=0)[1:].cumsum(axis=0),
    )
