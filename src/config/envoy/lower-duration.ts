// Durations and fractions of Envoy's API as plain numbers.

import type { Duration } from '@bufbuild/protobuf/wkt'
import { FractionalPercent_DenominatorType, type FractionalPercent } from './messages.ts'

/** Milliseconds. */
export const milliseconds = (duration: Duration): number => Number(duration.seconds) * 1000 + duration.nanos / 1e6

/** Milliseconds; `unset` when the field is not there, undefined (off) when it is zero. */
export function timeout(duration: Duration | undefined, unset: number | undefined): number | undefined {
  if (duration === undefined) return unset
  const value = milliseconds(duration)
  return value > 0 ? value : undefined
}

const DENOMINATORS = {
  [FractionalPercent_DenominatorType.HUNDRED]: 100,
  [FractionalPercent_DenominatorType.TEN_THOUSAND]: 10_000,
  [FractionalPercent_DenominatorType.MILLION]: 1_000_000,
}

/** 0..1. */
export const fraction = (percent: FractionalPercent): number =>
  Math.min(1, percent.numerator / DENOMINATORS[percent.denominator])
