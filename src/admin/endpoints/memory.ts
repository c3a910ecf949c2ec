// `/memory`: the heap and what lies outside it, in bytes. Envoy: admin.v3.Memory, plus Node's own figures.

import { type Endpoint, json } from '../endpoint.ts'

export const MEMORY: Endpoint = {
  path: '/memory',
  summary: 'heap and memory outside it, in bytes',
  mutates: false,
  parameters: [],
  handle() {
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
    return json({
      allocated: String(heapUsed + external),
      heap_size: String(heapTotal + external),
      total_physical_bytes: String(rss),
      heap_used: String(heapUsed),
      external: String(external),
      array_buffers: String(arrayBuffers),
    })
  },
}
