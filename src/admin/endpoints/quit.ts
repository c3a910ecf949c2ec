// `/quitquitquit`: ends the server cleanly, once the answer has left.

import { DONE, type Endpoint } from '../endpoint.ts'

export const QUIT: Endpoint = {
  path: '/quitquitquit',
  summary: 'end the server cleanly',
  mutates: true,
  parameters: [],
  handle: (_, { actions }) => ({ ...DONE, after: () => actions.quit() }),
}
