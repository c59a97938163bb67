"""Network: a small multilayer perceptron with its gradient by hand, and Adam."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Network:
    """Layers with tanh between them; all weights lie in one vector.

    Attributes:
        weights: (p,), and `gradient` likewise, filled by `backward`.
    """

    def __init__(self, draw: np.random.Generator, *sizes: int) -> None:
        shapes = [shape for n, m in pairwise(sizes) for shape in ((n, m), (m,))]
        drawn = [draw.normal(0, 1 / np.sqrt(s[0]), s) if len(s) == 2 else np.zeros(s) for s in shapes]
        self.weights: Array = np.concatenate([part.ravel() for part in drawn])
        self.gradient: Array = np.zeros_like(self.weights)
        self._parts, self._slots = _views(self.weights, shapes), _views(self.gradient, shapes)
        self._seen: list[Array] = []

    def forward(self, inputs: Array) -> Array:
        """Outputs (n, m) of inputs (n, k)."""
        self._seen = [inputs]
        for number in range(0, len(self._parts), 2):
            outputs = self._seen[-1] @ self._parts[number] + self._parts[number + 1]
            self._seen.append(outputs if number + 2 == len(self._parts) else np.tanh(outputs))
        return self._seen[-1]

    def backward(self, slope: Array) -> None:
        """Fill the gradient from the slope (n, m) of the loss in the last outputs."""
        for number in range(len(self._parts) - 2, -1, -2):
            inputs = self._seen[number // 2]
            np.matmul(inputs.T, slope, out=self._slots[number])
            np.sum(slope, axis=0, out=self._slots[number + 1])
            if number:
                slope = (slope @ self._parts[number].T) * (1 - inputs**2)

    @property
    def norm(self) -> float:
        """Of the gradient."""
        return float(np.sqrt(self.gradient @ self.gradient))

    def clip(self, limit: float) -> float:
        """Shorten the gradient to a norm of `limit` at most; returns what it was."""
        norm = self.norm
        if norm > limit:
            self.gradient *= limit / norm
        return norm


def _views(vector: Array, shapes: list[tuple[int, ...]]) -> list[Array]:
    """Parts of one vector in the given shapes, without a copy."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [vector[end - int(np.prod(s)) : end].reshape(s) for end, s in zip(ends, shapes, strict=True)]


@dataclass
class Adam:
    """The optimizer's memory; a new one has none."""

    first: Array | float = 0.0
    second: Array | float = 0.0
    updates: int = field(default=0)

    def step(self, network: Network, rate: float, factor: float = 1.0) -> None:
        """One update, `factor` times as long as the rate says."""
        self.updates += 1
        self.first = BETAS[0] * self.first + (1 - BETAS[0]) * network.gradient
        self.second = BETAS[1] * self.second + (1 - BETAS[1]) * network.gradient**2
        mean, square = (
            memory / (1 - beta**self.updates)
            for memory, beta in zip((self.first, self.second), BETAS, strict=True)
        )
        network.weights -= factor * rate * mean / (np.sqrt(square) + EPSILON)
