// The HTTP check (RFC 9110): one request, whose answer's status, fields and body are looked at. Redirects are answers like
// any other. Envoy: HealthCheck.HttpHealthCheck; AGC's and Easegress's HTTP checks come here too.

import { HEALTH_ANSWER_BYTES } from '../../core/limits.ts'
import type { HeaderList } from '../../codec/header-list.ts'
import type { RequestHead } from '../../codec/http-stream.ts'
import type { ProbeOutcome } from '../../cluster/health/prober.ts'
import { compileStringMatch, type StringTest } from '../../route/string-test.ts'
import type { Answer } from './answer-reader.ts'
import {
  type BodyTest,
  compileBodyExpectations,
  compileHeaderExpectations,
  type HeaderFault,
  inRanges,
} from './answer-test.ts'
import { probeHead } from './probe-fields.ts'
import type { ProbeTarget } from './probe-target.ts'
import { type ProbeOf, type ProbeTools, wrongAnswer } from './probe-tools.ts'
import type { Question } from './request-prober.ts'
import { WEBSOCKET_ONLY_SILENCE, webSocketOnlyHint } from './websocket-only.ts'

/** What a check expects, compiled once for all endpoints. */
export interface HttpExpectations {
  readonly headerFault: HeaderFault
  readonly bodyTest: BodyTest
  readonly serviceTest: StringTest | undefined
}

export const compileHttpExpectations = (probe: ProbeOf<'http'>): HttpExpectations => ({
  headerFault: compileHeaderExpectations(probe.expectedHeaders),
  bodyTest: compileBodyExpectations(probe.expectedBody),
  serviceTest: probe.serviceName === undefined ? undefined : compileStringMatch(probe.serviceName),
})

export class HttpQuestion implements Question {
  readonly silence = WEBSOCKET_ONLY_SILENCE
  readonly #tools: ProbeTools
  readonly #probe: ProbeOf<'http'>
  readonly #target: ProbeTarget
  readonly #expected: HttpExpectations

  constructor(tools: ProbeTools, probe: ProbeOf<'http'>, target: ProbeTarget, expected: HttpExpectations) {
    this.#tools = tools
    this.#probe = probe
    this.#target = target
    this.#expected = expected
  }

  get version(): 'http1' | 'http2' {
    return this.#probe.version
  }

  get asked(): string {
    return `${this.#probe.method} ${this.#target.path(this.#probe.path)}`
  }

  get body(): Buffer | undefined {
    return this.#probe.body
  }

  get keepBytes(): number {
    const { expectedBody, maxBodyBytes } = this.#probe
    if (expectedBody.length === 0) return 0
    return maxBodyBytes === 0 ? HEALTH_ANSWER_BYTES : maxBodyBytes
  }

  head(): RequestHead {
    const { method, path, host, body, headers } = this.#probe
    const { cluster, clock } = this.#tools
    return probeHead(
      {
        method,
        secure: cluster.tls !== undefined,
        authority: this.#target.host(host),
        path: this.#target.path(path),
        fields: body === undefined ? [] : ['content-length', String(body.length)],
        mutations: headers,
        tunnel: undefined,
      },
      clock,
    )
  }

  /** In Envoy's order of precedence: a wrong body is wrong whatever the status, but the status is named first. */
  judge({ head: { status, headers }, body }: Answer): ProbeOutcome {
    const { check } = this.#tools
    const { expected, retriable } = this.#probe
    const { bodyTest, headerFault, serviceTest } = this.#expected
    const says = `answered ${status} to ${this.asked}`
    const rightBody = bodyTest(body)
    if (!inRanges(status, expected)) {
      return wrongAnswer(check, says, webSocketOnlyHint(status, headers), rightBody && inRanges(status, retriable))
    }
    if (!rightBody) return wrongAnswer(check, `${says} without the expected body`)
    const fault = headerFault(headers)
    if (fault !== undefined) return wrongAnswer(check, `${says} without the expected ${fault} field`)
    const success: ProbeOutcome = { kind: 'success', degraded: headers.has('x-envoy-degraded') }
    if (serviceTest === undefined) return success
    const verified = isOf(headers, serviceTest) ? success : wrongAnswer(check, `${says} for another cluster`)
    return { ...verified, clusterVerified: true }
  }
}

/** Envoy: service_name_matcher. */
const isOf = (headers: HeaderList, test: StringTest): boolean =>
  test(headers.get('x-envoy-upstream-healthchecked-cluster') ?? '')
