// Every proxy the benchmark knows, by name.
import { haproxy, haproxySplice } from './haproxy.ts'
import { nghttpx } from './nghttpx.ts'
import { nginx } from './nginx.ts'
import type { Peer } from './peer.ts'
import { sluice } from './sluice.ts'

const all: readonly Peer[] = [sluice, nginx, haproxy, haproxySplice, nghttpx]

export function peersNamed(names: readonly string[]): Peer[] {
  return names.map((name) => {
    const peer = all.find((candidate) => candidate.name === name)
    if (peer === undefined) throw new Error(`no proxy "${name}"; known are ${all.map((p) => p.name).join(', ')}`)
    return peer
  })
}
