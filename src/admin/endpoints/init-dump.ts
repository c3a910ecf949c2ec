// `/init_dump`: what the start still waits for. Envoy: admin.v3.UnreadyTargetsDumps.

import { type Endpoint, json } from '../endpoint.ts'

export const INIT_DUMP: Endpoint = {
  path: '/init_dump',
  summary: 'what the start still waits for',
  mutates: false,
  parameters: [],
  handle(_, { server }) {
    const waiting = server.pendingTargets()
    if (waiting.length === 0) return json({})
    return json({ unready_targets_dumps: [{ name: 'init manager Server', target_names: waiting }] })
  },
}
