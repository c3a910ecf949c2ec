// Warns of the mistake that AGC's own article is about: a backend that speaks only WebSocket answers a plain `GET /` with
// 400, 404 or 426, is taken for dead, and users get 503.

import type { HealthCheck } from '../../model/health-check.ts'
import type { BackendPort } from '../backends/backend-port.ts'
import type { Working } from '../working.ts'
import { HEALTH_ANNOTATION } from './health-annotations.ts'

/** One sentence per Service port whose name or appProtocol says WebSocket and whose probe is a plain request of `/`. */
export function warnOfPlainProbe(working: Working, { service, port }: BackendPort, check: HealthCheck): void {
  const { probe } = check
  if (!speaksWebSocket(port) || probe.kind !== 'http' || probe.path !== '/') return
  // Whoever lists the refusal of a plain request among the good answers knows what they do.
  if (probe.expected.some(({ first, last }) => first <= 426 && last >= 400)) return
  const index = service.value.spec.ports.indexOf(port)
  working.warning(
    service.spot.field('spec').field('ports').at(Math.max(0, index)),
    `port ${port.port} is said to speak WebSocket but is probed with a plain GET / that such servers refuse; ` +
      'it would be marked unhealthy',
    `give a HealthCheckPolicy with http.path, or annotate the Service with ${HEALTH_ANNOTATION}: websocket (or tcp)`,
  )
}

const speaksWebSocket = ({ appProtocol, name }: BackendPort['port']): boolean =>
  appProtocol === 'kubernetes.io/ws' ||
  appProtocol === 'kubernetes.io/wss' ||
  /(?:^|[-.])(?:wss?|websockets?)(?:$|[-.])/.test(name ?? '')
