// Rings, Maglev tables and slow start, which Envoy has twice: on the cluster and as extensions. Limits that the schema
// cannot express are checked here in Envoy's words.

import type { Duration } from '@bufbuild/protobuf/wkt'
import type { Balancing, SlowStart } from '../model/balancing.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds } from './lower-duration.ts'

const RING_SIZE = { minimum: 1024n, maximum: 8n * 1024n * 1024n }
const TABLE_SIZE = 65_537n

interface RingMessage {
  readonly minimumRingSize?: bigint | undefined
  readonly maximumRingSize?: bigint | undefined
  readonly murmur: boolean
}

/** Envoy: RingHashLbConfig, RingHash. */
export function lowerRing(loading: Loading, message: RingMessage, spot: Spot): Balancing {
  const minimum = message.minimumRingSize ?? RING_SIZE.minimum
  const maximum = message.maximumRingSize ?? RING_SIZE.maximum
  if (minimum > maximum)
    loading.error(spot, `ring hash: minimum_ring_size (${minimum}) > maximum_ring_size (${maximum})`)
  return {
    kind: 'ring-hash',
    minimumRingSize: Number(minimum),
    maximumRingSize: Number(maximum),
    hash: message.murmur ? 'murmur2' : 'xxhash',
  }
}

/** Envoy: MaglevLbConfig, Maglev. `spot`: of the size. */
export function lowerMaglev(loading: Loading, size = TABLE_SIZE, spot: Spot): Balancing {
  const tableSize = Number(size)
  if (!isPrime(tableSize)) loading.error(spot, 'The table size of maglev must be prime number', nearbyPrime(tableSize))
  return { kind: 'maglev', tableSize }
}

function isPrime(number: number): boolean {
  if (number < 2) return false
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false
  return true
}

function nearbyPrime(number: number): string {
  let prime = Math.max(number, 2)
  while (!isPrime(prime)) prime++
  return `the next prime is ${prime}`
}

interface SlowStartMessage {
  readonly slowStartWindow?: Duration | undefined
  readonly aggression?: { readonly defaultValue: number } | undefined
  readonly minWeightPercent?: { readonly value: number } | undefined
}

/** Envoy: SlowStartConfig. Without a window there is none. */
export function lowerSlowStart(message: SlowStartMessage | undefined): { readonly slowStart?: SlowStart } {
  const windowMs = message?.slowStartWindow === undefined ? 0 : milliseconds(message.slowStartWindow)
  if (windowMs <= 0) return {}
  return {
    slowStart: {
      windowMs,
      aggression: message?.aggression?.defaultValue ?? 1,
      minimumWeight: (message?.minWeightPercent?.value ?? 10) / 100,
    },
  }
}
