// The one source of chance, injected like the clock, so that tests choose the outcome.

/** A number in [0, 1). */
export type Random = () => number

/** Real chance. Not for secrets. */
export const systemRandom: Random = Math.random
