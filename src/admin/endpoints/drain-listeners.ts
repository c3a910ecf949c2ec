// `/drain_listeners`: stops taking connections; open tunnels stay.

import { DONE, type Endpoint } from '../endpoint.ts'

export const DRAIN_LISTENERS: Endpoint = {
  path: '/drain_listeners',
  summary: 'stop taking connections; open tunnels stay',
  mutates: true,
  parameters: [
    { name: 'graceful', summary: 'tell clients to go for --drain-time-s before the listeners stop' },
    { name: 'skip_exit', summary: 'never stop the listeners' },
    { name: 'inboundonly', summary: 'only listeners whose traffic_direction is INBOUND' },
  ],
  handle({ query }, { actions }) {
    actions.drainListeners({
      inboundOnly: query.has('inboundonly'),
      graceful: query.has('graceful'),
      skipExit: query.has('skip_exit'),
    })
    return DONE
  },
}
