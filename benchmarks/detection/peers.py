"""The peers, each from its published definition. A function takes a curve and returns a mask of alarms."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import median_filter

from spikediag.model import FloatArray

Peer = Callable[[FloatArray], np.ndarray]


def kill_loss_spike(x):
    """LLM-foundry KillLossSpike: five points in a row of at least twice the mean of the window before."""
    window = max(100, round(0.05 * len(x)))
    outlier = np.zeros(len(x), dtype=bool)
    outlier[window:] = x[window:] >= 2 * _mean(x, window)
    run = np.convolve(outlier, np.ones(5), "full")[: len(x)]
    return run >= 5


def megatron(x):
    """Megatron-LM is_unexpectedly_large: |x| at least ten times the largest of the first 100."""
    mask = np.abs(x) >= 10 * np.abs(x[:100]).max()
    mask[:100] = False
    return mask


def olmo_core(x, window=128, k=6.0):
    """OLMo-core SkipStepOptimizer: above mean + 6 standard deviations of the last 128."""
    return _above(x, window, k, ddof=1)


def olmo2_score(x):
    """OLMo 2 spike score: seven standard deviations from the average of the last 1,000, both sides."""
    return _above(x, 1000, 7.0) | _above(-x, 1000, 7.0)


def llm_c(x, window=128, k=7.0):
    """llm.c outlier detector: z over a window that includes the point itself."""
    mask = np.zeros(len(x), dtype=bool)
    mean, square = _mean(np.append(x, 0.0), window), _mean(np.append(x * x, 0.0), window)
    mask[window - 1 :] = x[window - 1 :] - mean > k * np.sqrt(np.maximum(square - mean**2, 0))
    return mask


def lightning(x, window=10, rtol=2.0):
    """Lightning SpikeDetection: above the last accepted value and off the running mean by twice its size."""
    mask = np.zeros(len(x), dtype=bool)
    accepted = [x[0]]
    for t in range(1, len(x)):
        mean = sum(accepted[-window:]) / len(accepted[-window:])
        mask[t] = x[t] > accepted[-1] and abs(x[t] - mean) >= rtol * abs(mean)
        if not mask[t]:
            accepted.append(x[t])
    return mask


def wortsman(x):
    """Wortsman et al.: above running mean + 3.2 standard deviations at least twice within 10 steps."""
    high = _above(x, 1000, 3.2)
    return high & (np.convolve(high, np.ones(10), "full")[: len(x)] >= 2)


def hampel(x):
    """Hampel filter: six robust deviations above the median of 129 points around."""
    median = median_filter(x, 129)
    return x - median > 6 * 1.4826 * median_filter(np.abs(x - median), 129)


def cusum(x, window=200, h=6.0, k=1.0):
    """trainscope CUSUM: sum of robust z - 1 above 6, on a median and MAD of the 200 points before."""
    z = np.zeros(len(x))
    past = sliding_window_view(x, window)[:-1]
    median = np.median(past, axis=1)
    spread = 1.4826 * np.median(np.abs(past - median[:, None]), axis=1)
    z[window:] = (x[window:] - median) / np.where(spread > 0, spread, np.inf)
    mask, total = np.zeros(len(x), dtype=bool), 0.0
    for t in range(window, len(x)):
        total = max(0.0, total + z[t] - k)
        if total >= h:
            mask[t], total = True, 0.0
    return mask


PEERS: dict[str, Peer] = {
    "KillLossSpike": kill_loss_spike,
    "Megatron": megatron,
    "OLMo-core": olmo_core,
    "OLMo 2 score": olmo2_score,
    "llm.c": llm_c,
    "Lightning": lightning,
    "Wortsman": wortsman,
    "Hampel": hampel,
    "CUSUM": cusum,
}


def pelt(x):
    """ruptures PELT, squared error, BIC penalty for a known unit variance; change points upwards only."""
    import ruptures  # noqa: PLC0415 - optional

    return _upwards(x, ruptures.Pelt(model="l2", jump=5).fit(x).predict(pen=2 * np.log(len(x))))


def kernel(x):
    """ruptures KernelCPD, linear kernel, the same penalty."""
    import ruptures  # noqa: PLC0415 - optional

    return _upwards(x, ruptures.KernelCPD(kernel="linear").fit(x).predict(pen=2 * np.log(len(x))))


SLOW_PEERS: dict[str, Peer] = {"ruptures PELT": pelt, "ruptures KernelCPD": kernel}


def _upwards(x, breaks):
    mask, edges = np.zeros(len(x), dtype=bool), [0, *breaks]
    means = [x[a:b].mean() for a, b in pairwise(edges)]
    for at, before, after in zip(breaks, means, means[1:], strict=False):
        mask[at] = after > before
    return mask


def _mean(x, window):
    total = np.cumsum(np.concatenate([[0.0], x]))
    return (total[window:-1] - total[: -window - 1]) / window


def _above(x, window, k, ddof=0):
    mask = np.zeros(len(x), dtype=bool)
    x = x - x[:window].mean()
    mean, square = _mean(x, window), _mean(x * x, window)
    spread = np.sqrt(np.maximum(square - mean**2, 0) * window / (window - ddof))
    mask[window:] = x[window:] - mean > k * np.maximum(spread, 1e-10)
    return mask
