// `/apis/v2/healthz`: alive; and the same at `/healthz`, where load balancers look for it.

import { type Endpoint, text } from '../endpoint.ts'

const healthz = (path: string): Endpoint => ({
  path,
  summary: '200 while the server takes new work, else 503',
  mutates: false,
  parameters: [],
  handle: (_, { server }) => (server.state() === 'LIVE' ? text('') : text(`${server.state()}\n`, 503)),
})

export const HEALTHZ: readonly Endpoint[] = [healthz('/apis/v2/healthz'), healthz('/healthz')]
