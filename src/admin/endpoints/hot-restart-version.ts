// `/hot_restart_version`: Sluice has no shared-memory restart, which Envoy tells with this word.

import { type Endpoint, text } from '../endpoint.ts'

export const HOT_RESTART_VERSION: Endpoint = {
  path: '/hot_restart_version',
  summary: 'always "disabled": there is no hot restart',
  mutates: false,
  parameters: [],
  handle: () => text('disabled\n'),
}
