// Makes an answer, or takes over the one of another namespace (Easegress: ResponseBuilder).

import { HeaderList } from '../../../codec/header-list.ts'
import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import { setMade } from './header-adaption.ts'
import { NEXT, result, type StepFilter } from './step.ts'
import { textOf } from './text.ts'

type ResponseBuilder = Extract<PipelineFilter, { kind: 'response-builder' }>

export function responseBuilder(config: ResponseBuilder): StepFilter {
  return {
    side: 'both',
    onTunnel: false,
    run(exchange, namespace) {
      if (config.source !== '') {
        const source = exchange.response(config.source)
        if (source !== undefined) exchange.setResponse(namespace, source)
        return NEXT
      }
      const status = config.status === undefined ? 200 : statusOf(textOf(config.status, exchange))
      if (status === undefined) return result('buildErr')
      const headers = new HeaderList()
      for (const [name, text] of config.headers) setMade(headers, name.toLowerCase(), textOf(text, exchange))
      const body = Buffer.from(config.body === undefined ? '' : textOf(config.body, exchange))
      const reply = { code: 'direct_response', explanation: '' } as const
      exchange.setResponse(namespace, { status, headers, body, reply })
      return NEXT
    },
  }
}

/** A final status (RFC 9110 §15): an interim one, or 101, is no answer that can be made up. */
function statusOf(text: string): number | undefined {
  const status = Number(text.trim())
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : undefined
}
