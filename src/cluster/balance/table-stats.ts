// Statistics of rings and Maglev tables under Envoy's names, for clusters that have one. With several priorities the last
// table that was built is shown, as in Envoy.

import type { Balancing } from '../../config/model/balancing.ts'
import type { StatScope } from '../../observe/stats/registry.ts'
import type { TableListener } from './make-picker.ts'

/** Who keeps the statistics of `balancing`'s tables; undefined when it has none. */
export function tableStats({ kind }: Balancing, scope: StatScope): TableListener | undefined {
  if (kind === 'ring-hash') return ringStats(scope)
  return kind === 'maglev' ? maglevStats(scope) : undefined
}

function ringStats(scope: StatScope): TableListener {
  const size = scope.gauge('ring_hash_lb.size')
  const least = scope.gauge('ring_hash_lb.min_hashes_per_host')
  const most = scope.gauge('ring_hash_lb.max_hashes_per_host')
  return {
    onMaglev: () => undefined,
    onRing: (ring) => {
      size.value = ring.size
      least.value = ring.minHashesPerHost
      most.value = ring.maxHashesPerHost
    },
  }
}

function maglevStats(scope: StatScope): TableListener {
  const least = scope.gauge('maglev_lb.min_entries_per_host')
  const most = scope.gauge('maglev_lb.max_entries_per_host')
  return {
    onRing: () => undefined,
    onMaglev: (spread) => {
      least.value = spread.minEntriesPerHost
      most.value = spread.maxEntriesPerHost
    },
  }
}
