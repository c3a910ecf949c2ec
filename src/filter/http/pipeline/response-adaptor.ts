// Changes the answer on its way to the client (Easegress: ResponseAdaptor). The answer that accepts a tunnel keeps its
// handshake and gets no body.

import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import { adaptHeaders } from './header-adaption.ts'
import { NEXT, result, type StepFilter } from './step.ts'
import { textOf } from './text.ts'

type ResponseAdaptor = Extract<PipelineFilter, { kind: 'response-adaptor' }>

export function responseAdaptor(config: ResponseAdaptor): StepFilter {
  return {
    side: 'both',
    onTunnel: true,
    run(exchange, namespace) {
      const response = exchange.response(namespace)
      if (response === undefined) return result('responseNotFound')
      adaptHeaders(response.headers, config.headers, exchange)
      if (config.body === undefined || exchange.handle.facts.tunnelled) return NEXT
      response.body = Buffer.from(textOf(config.body, exchange))
      response.headers.remove('content-encoding')
      return NEXT
    },
  }
}
