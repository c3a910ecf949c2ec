// All admin endpoints, in the order of the home page.

import type { Endpoint } from './endpoint.ts'
import { BACKEND_HEALTH } from './endpoints/backend-health.ts'
import { HEALTHZ } from './easegress/healthz.ts'
import { METRICS } from './easegress/metrics.ts'
import { OBJECTS } from './easegress/objects.ts'
import { STATUS_OBJECTS } from './easegress/status.ts'
import { CERTS } from './endpoints/certs.ts'
import { CLUSTERS } from './endpoints/clusters.ts'
import { CONFIG_DUMP } from './endpoints/config-dump.ts'
import { CLOSE_CONNECTION, CONNECTIONS } from './endpoints/connections.ts'
import { DRAIN_LISTENERS } from './endpoints/drain-listeners.ts'
import { HEALTHCHECK_FAIL, HEALTHCHECK_OK } from './endpoints/healthcheck.ts'
import { homeEndpoint } from './endpoints/home.ts'
import { HOT_RESTART_VERSION } from './endpoints/hot-restart-version.ts'
import { INIT_DUMP } from './endpoints/init-dump.ts'
import { LISTENERS } from './endpoints/listeners.ts'
import { LOGGING } from './endpoints/logging.ts'
import { MEMORY } from './endpoints/memory.ts'
import { QUIT } from './endpoints/quit.ts'
import { READY } from './endpoints/ready.ts'
import { REOPEN_LOGS } from './endpoints/reopen-logs.ts'
import { SERVER_INFO } from './endpoints/server-info.ts'
import { PROMETHEUS, RESET_COUNTERS, STATS } from './endpoints/stats.ts'
import { text } from './endpoint.ts'
import { helpText } from './help-text.ts'

const HELP: Endpoint = {
  path: '/help',
  summary: 'this list',
  mutates: false,
  parameters: [],
  handle: () => text(helpText(ENDPOINTS)),
}

const HOME = homeEndpoint(() => ENDPOINTS)

export const ENDPOINTS: readonly Endpoint[] = [
  HOME,
  HELP,
  CONNECTIONS,
  CLOSE_CONNECTION,
  READY,
  SERVER_INFO,
  STATS,
  PROMETHEUS,
  RESET_COUNTERS,
  LISTENERS,
  CLUSTERS,
  BACKEND_HEALTH,
  CONFIG_DUMP,
  CERTS,
  LOGGING,
  REOPEN_LOGS,
  HEALTHCHECK_FAIL,
  HEALTHCHECK_OK,
  DRAIN_LISTENERS,
  QUIT,
  MEMORY,
  INIT_DUMP,
  HOT_RESTART_VERSION,
  OBJECTS,
  STATUS_OBJECTS,
  ...HEALTHZ,
  ...METRICS,
]
