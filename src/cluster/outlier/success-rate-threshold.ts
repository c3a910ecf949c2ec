// The success rate below which an endpoint is an outlier among its peers: mean − standard deviation × factor.

/** `percents` is not empty; `factor` in thousandths. The deviation is that of the whole population. */
export function successRateThreshold(percents: readonly number[], factor: number): number {
  let sum = 0
  for (const percent of percents) sum += percent
  const mean = sum / percents.length
  let squares = 0
  for (const percent of percents) squares += (percent - mean) ** 2
  return mean - (Math.sqrt(squares / percents.length) * factor) / 1000
}
