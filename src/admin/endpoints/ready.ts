// `/ready`: whether a load balancer may send traffic here.

import { type Endpoint, text } from '../endpoint.ts'

/** The state; 200 only when LIVE. */
export const READY: Endpoint = {
  path: '/ready',
  summary: 'the server state; 200 when LIVE, else 503',
  mutates: false,
  parameters: [],
  handle(_, { server }) {
    const state = server.state()
    return text(`${state}\n`, state === 'LIVE' ? 200 : 503)
  },
}
