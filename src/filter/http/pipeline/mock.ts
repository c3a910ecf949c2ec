// Answers by itself what a rule matches, perhaps after a delay (Easegress: Mock). Its result ends the pipeline.

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { MockRule, PipelineFilter } from '../../../config/model/pipeline.ts'
import { headerValues } from '../../../route/header-test.ts'
import { compileStringMatch } from '../../../route/string-test.ts'
import { pathOf } from '../../../route/target.ts'
import { HeaderList } from '../../../codec/header-list.ts'
import { setMade } from './header-adaption.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'
import { NEXT, result, type StepFilter } from './step.ts'

type Mock = Extract<PipelineFilter, { kind: 'mock' }>

export function mock(config: Mock): StepFilter {
  const rules = config.rules.map((rule) => ({ rule, body: Buffer.from(rule.body), matches: compileMatch(rule.match) }))
  return {
    side: 'both',
    onTunnel: false,
    run(exchange, namespace, resume) {
      const head = exchange.request(namespace)?.head
      const found = head === undefined ? undefined : rules.find(({ matches }) => matches(head))
      if (found === undefined) return NEXT
      const { rule, body } = found
      const answer = (): void => answerWith(exchange, namespace, rule, body)
      if (rule.delayMs <= 0) {
        answer()
        return MOCKED
      }
      const timer = exchange.clock.after(rule.delayMs, () => {
        answer()
        resume('mocked')
      })
      return { kind: 'waiting', cancel: () => timer.cancel() }
    },
  }
}

const MOCKED = result('mocked')

function answerWith(exchange: PipelineExchange, namespace: string, rule: MockRule, body: Buffer): void {
  const headers = new HeaderList()
  for (const [name, value] of rule.headers) setMade(headers, name.toLowerCase(), value)
  const reply = { code: 'direct_response', explanation: '' } as const
  exchange.setResponse(namespace, { status: rule.status, headers, body, reply })
}

/** Neither path nor prefix = every path; either of the two is enough. */
function compileMatch(match: MockRule['match']): (head: RequestHead) => boolean {
  const { path, pathPrefix, matchAllHeaders } = match
  const headers = match.headers.map(compileHeader)
  return (head) => {
    const given = pathOf(head.path)
    const byPath = (path !== '' && given === path) || (pathPrefix !== '' && given.startsWith(pathPrefix))
    if (!byPath && (path !== '' || pathPrefix !== '')) return false
    if (headers.length === 0) return true
    return matchAllHeaders ? headers.every((test) => test(head)) : headers.some((test) => test(head))
  }
}

function compileHeader(header: MockRule['match']['headers'][number]): (head: RequestHead) => boolean {
  const tests = header.match.map(compileStringMatch)
  return (head) => {
    const values = headerValues(head, header.name)
    if (values.length === 0) return header.empty
    return !header.empty && values.some((value) => tests.some((test) => test(value)))
  }
}
