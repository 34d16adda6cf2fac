"""Means over a beta distribution, by Gauss's quadrature.

Belongs here: nodes and weights. Does not: what is averaged (`beta_geometric`).
"""

import numpy as np

from models.learners.encoding import Floats

NODES = 32


def beta_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Nodes within (0, 1) and weights that add up to 1, shape (`NODES`,) each, for means over Beta(a, b).

    Golub and Welsch (1969), "Calculation of Gauss quadrature rules", Mathematics of Computation 23: the nodes are the
    eigenvalues of the Jacobi polynomials' recurrence. Nothing in it grows with a and b, so they may be in the
    thousands (`scipy.special.roots_jacobi` overflows there).

    Args:
        a: above 1.
        b: above 0.
    """
    from scipy.linalg import eigh_tridiagonal  # noqa: PLC0415 - heavy: imported when used

    n = np.arange(1.0, NODES)
    both = a + b - 2
    own = np.concatenate([[(a - b) / (a + b)], (a - b) * both / ((2 * n + both) * (2 * n + both + 2))])
    squares = 4 * n * (n + b - 1) * (n + a - 1) * (n + both) / ((2 * n + both) ** 2 * ((2 * n + both) ** 2 - 1))
    squares[0] = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    values, vectors = eigh_tridiagonal(own, np.sqrt(squares))
    return (1 + values) / 2, vectors[0] ** 2
