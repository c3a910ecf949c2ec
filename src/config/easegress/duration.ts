// Durations as Go's time.ParseDuration reads them: `100ms`, `1m30s`, `1.5h`.

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds; undefined when the text is no duration, or a negative one. */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0
  if (text === '') return undefined
  let sum = 0
  PART.lastIndex = 0
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text)
    if (match === null) return undefined
    sum += Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0)
  }
  return sum
}
