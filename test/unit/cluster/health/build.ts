// A health check with Envoy's defaults, and probers that answer as told.

import type { ProbeOutcome, Prober, ProbeSink } from '../../../../src/cluster/health/prober.ts'
import { evenIntervals, type HealthCheck } from '../../../../src/config/model/health-check.ts'
import { NOWHERE } from '../../../../src/config/model/place.ts'

export const healthCheck = (more: Partial<HealthCheck> = {}): HealthCheck => {
  const { intervalMs = 1000 } = more
  return {
    name: '',
    probe: { kind: 'tcp', send: undefined, receive: [], proxyProtocol: undefined },
    timeoutMs: 300,
    intervalMs,
    unhealthyThreshold: 2,
    healthyThreshold: 3,
    ...evenIntervals(intervalMs),
    reuseConnection: true,
    initial: 'unhealthy',
    port: undefined,
    tls: 'cluster',
    alpn: [],
    eventLogPath: undefined,
    alwaysLogFailures: false,
    alwaysLogSuccess: false,
    place: NOWHERE,
    ...more,
  }
}

export const PASS: ProbeOutcome = { kind: 'success', degraded: false }
export const FAIL: ProbeOutcome = { kind: 'failure', type: 'network', atOnce: false, reason: 'refused', hint: '' }
export const WRONG: ProbeOutcome = { kind: 'failure', type: 'active', atOnce: true, reason: 'answered 500', hint: 'h' }

/** Probes wait until the test answers. */
export class ToldProber implements Prober {
  readonly waitsFor = 'no answer'
  readonly hint = 'silence'
  probes = 0
  abandoned = 0
  closed = false
  #sink: ProbeSink | undefined

  probe(sink: ProbeSink): void {
    this.probes++
    this.#sink = sink
  }

  abandon(): void {
    this.abandoned++
    this.#sink = undefined
  }

  close(): void {
    this.closed = true
    this.#sink = undefined
  }

  answer(outcome: ProbeOutcome): void {
    const sink = this.#sink
    this.#sink = undefined
    if (sink === undefined) throw new Error('no probe is under way')
    sink.onProbed(outcome)
  }
}
