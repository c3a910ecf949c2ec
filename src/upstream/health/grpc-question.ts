// The gRPC check: grpc.health.v1.Health/Check over HTTP/2. Only SERVING with status OK passes. Envoy:
// HealthCheck.GrpcHealthCheck.

import type { HeaderList } from '../../codec/header-list.ts'
import type { RequestHead } from '../../codec/http-stream.ts'
import type { ProbeOutcome } from '../../cluster/health/prober.ts'
import type { Answer } from './answer-reader.ts'
import { checkRequest, checkResponse } from './grpc-message.ts'
import { probeHead } from './probe-fields.ts'
import type { ProbeTarget } from './probe-target.ts'
import { PASSED, type ProbeOf, type ProbeTools, wrongAnswer } from './probe-tools.ts'
import type { Question } from './request-prober.ts'

const PATH = '/grpc.health.v1.Health/Check'
/** A response is a dozen bytes; unknown fields may follow. */
const RESPONSE_BYTES = 4096

/** gRPC status codes that servers answer a check with. */
const MEANINGS: Readonly<Record<string, string>> = {
  '5': 'the service is unknown to it',
  '12': 'it has no health service',
  '16': 'it wants credentials',
}

export class GrpcQuestion implements Question {
  readonly version = 'http2'
  readonly asked = 'the gRPC health check'
  readonly keepBytes = RESPONSE_BYTES
  readonly silence = ''
  readonly body: Buffer
  readonly #tools: ProbeTools
  readonly #probe: ProbeOf<'grpc'>
  readonly #target: ProbeTarget

  constructor(tools: ProbeTools, probe: ProbeOf<'grpc'>, target: ProbeTarget) {
    this.#tools = tools
    this.#probe = probe
    this.#target = target
    this.body = checkRequest(probe.service)
  }

  head(): RequestHead {
    const { cluster, check, clock } = this.#tools
    return probeHead(
      {
        method: 'POST',
        secure: cluster.tls !== undefined,
        authority: this.#target.host(this.#probe.authority),
        path: PATH,
        fields: [
          'content-type',
          'application/grpc',
          'te',
          'trailers',
          'grpc-timeout',
          `${Math.ceil(check.timeoutMs)}m`,
        ],
        mutations: this.#probe.metadata,
        tunnel: undefined,
      },
      clock,
    )
  }

  judge({ head: { status, headers }, body, trailers }: Answer): ProbeOutcome {
    const { check } = this.#tools
    const code = (trailers ?? headers).get('grpc-status')
    if (code === undefined || !isGrpc(status, headers)) {
      return wrongAnswer(check, `answered ${status} without a gRPC status to ${this.asked}`)
    }
    if (code !== '0') {
      const number = /^[0-9]{1,3}$/.test(code) ? code : 'that is no number'
      const meaning = MEANINGS[code]
      return wrongAnswer(check, `gRPC status ${number}${meaning === undefined ? '' : `: ${meaning}`}`)
    }
    const serving = checkResponse(body)
    if (serving === 'SERVING') return PASSED
    return wrongAnswer(check, serving === undefined ? 'answered no HealthCheckResponse' : `is ${serving}`)
  }
}

/** A status other than 200 counts as gRPC only with a gRPC status, which the caller looks at. */
const isGrpc = (status: number, headers: HeaderList): boolean =>
  status !== 200 || /^application\/grpc([+;]|$)/.test((headers.get('content-type') ?? '').toLowerCase())
