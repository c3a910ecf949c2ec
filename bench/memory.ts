// Resident memory that a proxy takes for each idle proxied WebSocket: a fresh process, its own size taken off.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from './fleet.ts'
import type { Flags } from './flags.ts'
import { WrongAnswer, hold, measure } from './generator.ts'
import type { Instance } from './instance.ts'
import type { Peer } from './peers/peer.ts'
import { residentKib } from './process/resident.ts'
import type { Outcome } from './result.ts'
import type { Workload } from './workload.ts'

export async function memory(
  workload: Workload,
  peers: readonly Peer[],
  fleet: Fleet,
  flags: Flags,
  maximumFiles: number,
  progress: (text: string) => void,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const wanted = flags.quick ? Math.ceil(workload.load.connections / 5) : workload.load.connections
  const connections = Math.min(wanted, Math.floor((maximumFiles - 200) / 2))
  for (const peer of peers) {
    if (!peer.can(workload)) continue
    progress(peer.name)
    await fleet.discard(peer)
    const instance = await fleet.get(peer, workload.shape)
    outcomes.set(
      peer.name,
      typeof instance === 'string'
        ? { kind: 'not available', reason: instance }
        : await weigh(workload, instance, connections, flags.loadCore),
    )
    await fleet.discard(peer)
  }
  return outcomes
}

async function weigh(workload: Workload, instance: Instance, connections: number, core: string): Promise<Outcome> {
  try {
    await measure({ job: 'echo', connections: 20 }, instance.target, core, 0.2, 0.3)
    await sleep(1000)
    const base = residentKib(instance.target.pids)
    const full = await hold({ ...workload.load, connections }, instance.target, core, async () => {
      await sleep(2000)
      return residentKib(instance.target.pids)
    })
    const value = (full - base) / connections
    const note = `${connections} connections, base ${(base / 1024).toFixed(0)} MiB`
    return { kind: 'figure', value, rounds: [value], loadValue: 0, proxyBusy: 0, loadBusy: 0, unitsPerSecond: 0, note }
  } catch (error) {
    if (!(error instanceof WrongAnswer)) throw error
    return { kind: 'wrong', reason: error.message }
  }
}
