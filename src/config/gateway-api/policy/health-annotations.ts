// Sluice's own words about health checks, as annotations of a Service or of a HealthCheckPolicy: AGC's policy has no TCP
// probe and no WebSocket probe, although a backend that speaks only WebSocket needs one.

import type { HealthCheck, Probe } from '../../model/health-check.ts'
import { goDuration } from '../kinds/alb-target.ts'
import type { Resource } from '../resource.ts'
import type { Fault } from './alb-policy.ts'
import { isHost, isPath } from './request-parts.ts'
import { checkOf, DEFAULT_TIMES, grpcProbe, httpProbe, type ProbeTimes, TCP_PROBE, webSocketProbe } from './probe.ts'

/** `http`, `grpc`, `tcp`, `websocket`, or `none`: no probe at all. */
export const HEALTH_ANNOTATION = 'sluice.dev/health-check'

const KINDS = ['http', 'grpc', 'tcp', 'websocket', 'none'] as const
type ProbeKind = (typeof KINDS)[number]

/** What follows `sluice.dev/health-check-`. */
const OPTIONS = [
  'path',
  'host',
  'port',
  'subprotocols',
  'ping',
  'interval',
  'timeout',
  'healthy-threshold',
  'unhealthy-threshold',
] as const
type Option = (typeof OPTIONS)[number]

/** What the annotations of an object ask for; `none` = they say that there is no probe. */
export type AnnotatedCheck = { readonly kind: 'none' } | { readonly kind: 'check'; readonly check: HealthCheck }

/** Undefined when there are no such annotations; the caller has asked {@link annotationFault} before. */
export function annotatedCheck(object: Resource): AnnotatedCheck | undefined {
  const kind = kindOf(object)
  if (kind === undefined) return undefined
  if (kind === 'none') return { kind: 'none' }
  const port = option(object, 'port')
  const place = object.spot.field('metadata').field('annotations').key(HEALTH_ANNOTATION).place
  const check = checkOf(probeOf(object, kind), timesOf(object), numberOf(port), 'cluster', place)
  return { kind: 'check', check }
}

/** Only the probe, for a policy that has the numbers itself; undefined when there is no annotation, or it says `none`. */
export function annotatedProbe(object: Resource): Probe | undefined {
  const kind = kindOf(object)
  return kind === undefined || kind === 'none' ? undefined : probeOf(object, kind)
}

/** What is wrong with the annotations of an object, with `reason`. */
export function annotationFault(object: Resource, reason: string): Fault | undefined {
  const annotations = object.spot.field('metadata').field('annotations')
  for (const [name, value] of Object.entries(object.annotations)) {
    if (name !== HEALTH_ANNOTATION && !name.startsWith(`${HEALTH_ANNOTATION}-`)) continue
    const message = problemOf(object, name, value)
    if (message !== undefined)
      return { reason, message: `${name}: ${message}`, reference: false, spot: annotations.key(name) }
  }
  return undefined
}

function problemOf(object: Resource, name: string, value: string): string | undefined {
  if (name === HEALTH_ANNOTATION)
    return KINDS.some((kind) => kind === value) ? undefined : `"${value}" is none of ${KINDS.join(', ')}`
  const known = OPTIONS.find((each) => name === `${HEALTH_ANNOTATION}-${each}`)
  if (known === undefined) return `no such annotation; known are ${OPTIONS.join(', ')} after "${HEALTH_ANNOTATION}-"`
  if (kindOf(object) === undefined) return `has no effect without ${HEALTH_ANNOTATION}`
  return OPTION_PROBLEMS[known](value)
}

const OPTION_PROBLEMS: { readonly [option in Option]: (value: string) => string | undefined } = {
  path: (value) => (isPath(value) ? undefined : 'is not a path'),
  host: (value) => (isHost(value) ? undefined : 'is not a host name'),
  port: (value) => (isNumber(value, 65_535) ? undefined : 'is not a port'),
  subprotocols: (value) =>
    value.split(',').every((each) => TOKEN.test(each.trim())) ? undefined : 'is not a list of names with commas',
  ping: (value) => (value === 'true' || value === 'false' ? undefined : 'is neither true nor false'),
  interval: durationProblem,
  timeout: durationProblem,
  'healthy-threshold': (value) => (isNumber(value, 1_000_000) ? undefined : 'is not a number from 1'),
  'unhealthy-threshold': (value) => (isNumber(value, 1_000_000) ? undefined : 'is not a number from 1'),
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/

const isNumber = (text: string, most: number): boolean =>
  /^\d{1,7}$/.test(text) && Number(text) >= 1 && Number(text) <= most

function durationProblem(text: string): string | undefined {
  const parsed = goDuration.safeParse(text)
  return parsed.success && parsed.data > 0 ? undefined : 'is not a duration such as 500ms or 5s, greater than 0'
}

const kindOf = (object: Resource): ProbeKind | undefined =>
  KINDS.find((kind) => kind === object.annotations[HEALTH_ANNOTATION])

const option = (object: Resource, name: Option): string | undefined =>
  object.annotations[`${HEALTH_ANNOTATION}-${name}`]

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))

function probeOf(object: Resource, kind: Exclude<ProbeKind, 'none'>): Probe {
  const path = option(object, 'path') ?? '/'
  const host = option(object, 'host') ?? ''
  switch (kind) {
    case 'http':
      return httpProbe({ path, host })
    case 'grpc':
      return grpcProbe('', host)
    case 'tcp':
      return TCP_PROBE
    case 'websocket': {
      const subprotocols = (option(object, 'subprotocols') ?? '').split(',').map((name) => name.trim())
      return webSocketProbe({
        path,
        host,
        subprotocols: subprotocols.filter((name) => name !== ''),
        ping: option(object, 'ping') === 'true',
      })
    }
  }
}

function timesOf(object: Resource): ProbeTimes {
  return {
    intervalMs: durationOf(option(object, 'interval')) ?? DEFAULT_TIMES.intervalMs,
    timeoutMs: durationOf(option(object, 'timeout')) ?? DEFAULT_TIMES.timeoutMs,
    healthyThreshold: numberOf(option(object, 'healthy-threshold')) ?? DEFAULT_TIMES.healthyThreshold,
    unhealthyThreshold: numberOf(option(object, 'unhealthy-threshold')) ?? DEFAULT_TIMES.unhealthyThreshold,
  }
}

const durationOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : goDuration.safeParse(text).data
