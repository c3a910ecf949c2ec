// How one outcome and the two ratios of a row read.
import type { Figure, Outcome, Row } from '../result.ts'

export function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined || outcome.kind === 'cannot') return '–'
  if (outcome.kind !== 'figure') return outcome.kind
  return number(outcome.value)
}

export function number(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function figure(row: Row, name: string): Figure | undefined {
  const outcome = row.outcomes.get(name)
  return outcome?.kind === 'figure' ? outcome : undefined
}

/** Sluice divided by the best of the named proxies; '–' when one side is missing. */
export function ratio(row: Row, against: readonly string[]): string {
  const own = figure(row, 'sluice')
  const others = against.flatMap((name) => figure(row, name)?.value ?? [])
  return own === undefined || others.length === 0 ? '–' : `${(own.value / Math.min(...others)).toFixed(2)}×`
}

/** Proxies of the row that are comparable with Sluice: HAProxy's TCP mode looks at nothing, so it is shown but no measure. */
export function comparable(names: readonly string[]): string[] {
  return names.filter((name) => name !== 'sluice')
}
