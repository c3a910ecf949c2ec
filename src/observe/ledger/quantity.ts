// Durations and sizes as people read them: three digits and a unit.

/** `850 ms`, `8.1 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.floor(seconds)
  if (whole < 3600) return pair(whole, 60, 'min', 's')
  if (whole < 86_400) return pair(Math.floor(whole / 60), 60, 'h', 'min')
  return pair(Math.floor(whole / 3600), 24, 'd', 'h')
}

function pair(value: number, base: number, big: string, small: string): string {
  const rest = value % base
  const head = `${Math.floor(value / base)} ${big}`
  return rest === 0 ? head : `${head} ${rest} ${small}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `512 B`, `1.5 KiB`, `16 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1
  return `${value.toFixed(digits)} ${UNITS[unit] ?? 'B'}`
}
