// What the active checks of a cluster get of the server: probers, the log, and the event logs that the checks name.

import { healthEventLine } from '../cluster/health/health-event.ts'
import type { HealthCheckTools } from '../cluster/health/cluster-health.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { HealthCheck } from '../config/model/health-check.ts'
import type { LogSink } from '../observe/access-log/sinks.ts'
import { proberFactory } from '../upstream/health/prober-factory.ts'
import type { ServerServices } from './services.ts'
import { StartError, systemReason } from './start-error.ts'

/** The tools for `cluster`; undefined when it has no checks. Throws a StartError when an event log cannot be opened. */
export function openHealthChecks(cluster: Cluster, services: ServerServices): HealthCheckTools | undefined {
  const checks = cluster.healthChecks ?? []
  if (checks.length === 0) return undefined
  const sinks = new Map<HealthCheck, LogSink>()
  for (const check of checks) {
    const { eventLogPath } = check
    if (eventLogPath !== undefined) sinks.set(check, openEventLog(check, eventLogPath, services))
  }
  const { clock, internal, resolver, log } = services
  return {
    probers: proberFactory(cluster, { clock, internal, resolver }),
    log: log.component('health'),
    onEvent: (event) => sinks.get(event.check)?.write(healthEventLine(event)),
  }
}

function openEventLog(check: HealthCheck, path: string, { logSinks }: ServerServices): LogSink {
  try {
    return logSinks.open({ kind: 'file', path })
  } catch (error) {
    throw new StartError(check.place, `cannot open the event log ${path}: ${systemReason(error)}`)
  }
}
