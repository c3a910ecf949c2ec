// Running sums of weights: a draw by chance in proportion to them is one binary search.

/** Sums of `weights` up to each one. */
export function weightSums(weights: readonly number[]): Float64Array {
  const sums = new Float64Array(weights.length)
  let sum = 0
  for (const [i, weight] of weights.entries()) {
    sum += weight
    sums[i] = sum
  }
  return sums
}

/** The index that `random` in [0, 1) stands for. */
export function drawIndex(sums: Float64Array, random: number): number {
  const value = random * (sums.at(-1) ?? 0)
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) > value) high = middle
    else low = middle + 1
  }
  return low
}
