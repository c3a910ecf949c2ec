// `/reopen_logs`: opens log files anew after a rotation moved them away.

import { DONE, type Endpoint } from '../endpoint.ts'

export const REOPEN_LOGS: Endpoint = {
  path: '/reopen_logs',
  summary: 'open log files anew after a rotation',
  mutates: true,
  parameters: [],
  handle(_, { actions }) {
    actions.reopenLogs()
    return DONE
  },
}
