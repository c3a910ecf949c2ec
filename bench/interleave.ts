// Measures one workload on every proxy that can do it, round by round: A B C A B C, so that drift of the machine meets all alike.
import type { Flags } from './flags.ts'
import { type Measurement, WrongAnswer, measure } from './generator.ts'
import type { Fleet } from './fleet.ts'
import type { Peer } from './peers/peer.ts'
import { type Outcome, figureOf } from './result.ts'
import type { Workload } from './workload.ts'

export async function interleave(
  workload: Workload,
  peers: readonly Peer[],
  fleet: Fleet,
  flags: Flags,
  progress: (text: string) => void,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const measured = new Map<Peer, Measurement[]>()
  for (const peer of peers) {
    if (peer.can(workload)) measured.set(peer, [])
    else outcomes.set(peer.name, { kind: 'cannot' })
  }
  for (let round = 1; round <= flags.rounds; round++) {
    for (const [peer, measurements] of measured) {
      progress(`round ${round}/${flags.rounds} ${peer.name}`)
      const warmSeconds = round === 1 ? flags.firstWarmSeconds : flags.warmSeconds
      const result = await once(workload, peer, fleet, flags, warmSeconds)
      if ('units' in result) measurements.push(result)
      else {
        outcomes.set(peer.name, result)
        measured.delete(peer)
      }
    }
  }
  for (const [peer, measurements] of measured) outcomes.set(peer.name, figureOf(workload.unit, measurements))
  return outcomes
}

async function once(
  workload: Workload,
  peer: Peer,
  fleet: Fleet,
  flags: Flags,
  warmSeconds: number,
): Promise<Measurement | Outcome> {
  const instance = await fleet.get(peer, workload.shape)
  if (typeof instance === 'string') return { kind: 'not available', reason: instance }
  try {
    return await measure(workload.load, instance.target, flags.loadCore, warmSeconds, flags.seconds)
  } catch (error) {
    if (!(error instanceof WrongAnswer)) throw error
    const reason = instance.alive ? error.message : `the proxy crashed: ${error.message}`
    await fleet.discard(peer)
    return { kind: 'wrong', reason }
  }
}
