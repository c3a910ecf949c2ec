// Dates for START_TIME and its kin: the subset of strftime that Envoy documents, with its fractions (%f, %1f…%9f, %E3S).

/** Prints a moment, given in milliseconds since the epoch. */
export type DatePrinter = (wallMs: number) => string

/** Envoy's format when none is given: `2026-11-21T03:27:01.123Z`. */
export const isoDate: DatePrinter = (wallMs) => new Date(wallMs).toISOString()

/** Compiles `pattern`. Conversions that do not exist stay as they were written. */
export function datePrinter(pattern: string, zone: 'utc' | 'local'): DatePrinter {
  const pieces: ((moment: Moment) => string)[] = []
  const conversion = /%(E\*S|E\d+S|Ez|E4Y|[1-9]f|\d?s|[a-zA-Z%])/g
  let from = 0
  for (const found of pattern.matchAll(conversion)) {
    const [whole, name = ''] = found
    const before = pattern.slice(from, found.index)
    if (before !== '') pieces.push(() => before)
    pieces.push(piece(name) ?? (() => whole))
    from = found.index + whole.length
  }
  const rest = pattern.slice(from)
  if (rest !== '') pieces.push(() => rest)
  const breakDown = zone === 'utc' ? utcMoment : localMoment
  return (wallMs) => {
    const moment = breakDown(wallMs)
    let text = ''
    for (const print of pieces) text += print(moment)
    return text
  }
}

/** A moment broken into the fields of one time zone. */
interface Moment {
  readonly wallMs: number
  readonly year: number
  /** From 0. */
  readonly month: number
  readonly day: number
  /** From 0, Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** East of Greenwich. */
  readonly offsetMinutes: number
  readonly zone: string
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
// prettier-ignore
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June',
  'July', 'August', 'September', 'October', 'November', 'December',
]

function utcMoment(wallMs: number): Moment {
  const date = new Date(wallMs)
  return {
    wallMs,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    offsetMinutes: 0,
    zone: 'UTC',
  }
}

function localMoment(wallMs: number): Moment {
  const date = new Date(wallMs)
  return {
    wallMs,
    year: date.getFullYear(),
    month: date.getMonth(),
    day: date.getDate(),
    weekday: date.getDay(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    offsetMinutes: -date.getTimezoneOffset(),
    zone: /\(([^)]+)\)/.exec(date.toString())?.[1] ?? 'UTC',
  }
}

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`)
const blankTwo = (value: number): string => (value < 10 ? ` ${value}` : `${value}`)
const three = (value: number): string => String(value).padStart(3, '0')
const twelve = (hour: number): number => hour % 12 || 12

/** Digits of the second's fraction; facts are exact to the millisecond, so further digits are zero. */
function fraction(wallMs: number, digits: number): string {
  const nanoseconds = Math.round((wallMs - Math.floor(wallMs / 1000) * 1000) * 1e6)
  return String(nanoseconds).padStart(9, '0').slice(0, digits)
}

const offset = (minutes: number, separator: string): string => {
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`
}

const dayOfYear = (moment: Moment): number =>
  Math.round((Date.UTC(moment.year, moment.month, moment.day) - Date.UTC(moment.year, 0, 1)) / 86_400_000) + 1

const clockTime = (moment: Moment): string => `${two(moment.hour)}:${two(moment.minute)}:${two(moment.second)}`

const CONVERSIONS: Readonly<Record<string, (moment: Moment) => string>> = {
  '%': () => '%',
  a: (moment) => (WEEKDAYS[moment.weekday] ?? '').slice(0, 3),
  A: (moment) => WEEKDAYS[moment.weekday] ?? '',
  b: (moment) => (MONTHS[moment.month] ?? '').slice(0, 3),
  h: (moment) => (MONTHS[moment.month] ?? '').slice(0, 3),
  B: (moment) => MONTHS[moment.month] ?? '',
  C: (moment) => two(Math.floor(moment.year / 100)),
  d: (moment) => two(moment.day),
  D: (moment) => `${two(moment.month + 1)}/${two(moment.day)}/${two(moment.year % 100)}`,
  e: (moment) => blankTwo(moment.day),
  f: (moment) => fraction(moment.wallMs, 9),
  F: (moment) => `${moment.year}-${two(moment.month + 1)}-${two(moment.day)}`,
  H: (moment) => two(moment.hour),
  I: (moment) => two(twelve(moment.hour)),
  j: (moment) => three(dayOfYear(moment)),
  k: (moment) => blankTwo(moment.hour),
  l: (moment) => blankTwo(twelve(moment.hour)),
  m: (moment) => two(moment.month + 1),
  M: (moment) => two(moment.minute),
  n: () => '\n',
  p: (moment) => (moment.hour < 12 ? 'AM' : 'PM'),
  r: (moment) =>
    `${two(twelve(moment.hour))}:${two(moment.minute)}:${two(moment.second)} ${moment.hour < 12 ? 'AM' : 'PM'}`,
  R: (moment) => `${two(moment.hour)}:${two(moment.minute)}`,
  s: (moment) => String(Math.floor(moment.wallMs / 1000)),
  S: (moment) => two(moment.second),
  t: () => '\t',
  T: clockTime,
  u: (moment) => String(moment.weekday || 7),
  w: (moment) => String(moment.weekday),
  y: (moment) => two(moment.year % 100),
  Y: (moment) => String(moment.year),
  E4Y: (moment) => String(moment.year).padStart(4, '0'),
  z: (moment) => offset(moment.offsetMinutes, ''),
  Ez: (moment) => offset(moment.offsetMinutes, ':'),
  Z: (moment) => moment.zone,
  c: (moment) =>
    `${(WEEKDAYS[moment.weekday] ?? '').slice(0, 3)} ${(MONTHS[moment.month] ?? '').slice(0, 3)} ${blankTwo(moment.day)} ${clockTime(moment)} ${moment.year}`,
  x: (moment) => `${two(moment.month + 1)}/${two(moment.day)}/${two(moment.year % 100)}`,
  X: clockTime,
}

function piece(name: string): ((moment: Moment) => string) | undefined {
  const conversion = CONVERSIONS[name]
  if (conversion !== undefined) return conversion
  const digits = Number(/\d+/.exec(name)?.[0] ?? 3)
  if (name.endsWith('f')) return (moment) => fraction(moment.wallMs, digits)
  if (name === 'E*S') return (moment) => `${two(moment.second)}${exactFraction(moment.wallMs)}`
  if (name.startsWith('E') && name.endsWith('S')) {
    return (moment) => `${two(moment.second)}${digits === 0 ? '' : `.${fraction(moment.wallMs, digits)}`}`
  }
  return undefined
}

/** The fraction without trailing zeros, with its point; '' on a whole second. */
function exactFraction(wallMs: number): string {
  const digits = fraction(wallMs, 9).replace(/0+$/, '')
  return digits === '' ? '' : `.${digits}`
}
