// Makes the picker of a cluster's balancing policy over endpoints that were found fit to be picked.

import type { Balancing, LoadSpread } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'
import { HashModulo } from './hash-modulo.ts'
import { LeastRequest } from './least-request.ts'
import { sharesOf } from './localities.ts'
import { Maglev, type MaglevSpread } from './maglev.ts'
import type { Picker, PickerTools, Share } from './picker.ts'
import { RandomPicker } from './random.ts'
import { RingHash, type RingSize } from './ring-hash.ts'
import { roundRobin } from './round-robin.ts'
import { WeightedRandom } from './weighted-random.ts'

/** Hears how tables turned out. */
export interface TableListener {
  onRing(size: RingSize): void
  onMaglev(spread: MaglevSpread): void
}

/** Whether the policy goes by the hash of a request, localities and all. */
export const goesByHash = ({ kind }: Balancing): boolean =>
  kind === 'ring-hash' || kind === 'maglev' || kind === 'hash-modulo'

/** A picker over `endpoints`; undefined when there are none. */
export function makePicker(
  balancing: Balancing,
  endpoints: readonly Endpoint[],
  spread: Pick<LoadSpread, 'localityWeighted'>,
  tools: PickerTools,
  tables?: TableListener,
): Picker | undefined {
  const [first, ...others] = endpoints
  if (first === undefined) return undefined
  switch (balancing.kind) {
    case 'round-robin':
      return roundRobin([first, ...others], balancing, tools)
    case 'least-request':
      return new LeastRequest([first, ...others], balancing, tools)
    case 'random':
      return new RandomPicker([first, ...others], tools.random)
    case 'weighted-random':
      return new WeightedRandom([first, ...others], tools.random)
    case 'hash-modulo':
      return new HashModulo([first, ...others], tools.random)
    case 'ring-hash':
    case 'maglev':
      return makeTable(balancing, sharesOf(endpoints, spread.localityWeighted), tools, tables)
  }
}

function makeTable(
  balancing: Extract<Balancing, { kind: 'ring-hash' | 'maglev' }>,
  shares: readonly Share[],
  { random }: PickerTools,
  tables: TableListener | undefined,
): Picker | undefined {
  const [first, ...others] = shares
  if (first === undefined) return undefined
  if (balancing.kind === 'maglev') {
    const table = new Maglev([first, ...others], balancing.tableSize, random)
    tables?.onMaglev(table.spread)
    return table
  }
  const ring = new RingHash([first, ...others], balancing, random)
  tables?.onRing(ring.size)
  return ring
}
