// Operators that read heads, trailers, path and query. `A?B` takes B when A is absent; only the first value of a
// repeated field is printed, as Envoy does.

import type { RequestHead } from '../codec/http-stream.ts'
import { type Evaluator, known, type OperatorFamily, plain } from './operator.ts'
import { redactQuery } from './redacted-query.ts'
import { type FieldReader, requestField, responseField, trailerField } from './request-field.ts'

const ORIGINAL_PATH = 'x-envoy-original-path'

export const HEADER_OPERATORS: OperatorFamily = {
  REQUEST_HEADER: (argument) => {
    const read = either(argument, requestField)
    return (facts) => (facts.request === undefined ? undefined : read(facts.request))
  },
  RESPONSE_HEADER: (argument) => {
    const read = either(argument, responseField)
    return (facts) => (facts.response === undefined ? undefined : read(facts.response))
  },
  RESPONSE_TRAILER: (argument) => {
    const read = either(argument, trailerField)
    return (facts) => (facts.responseTrailers === undefined ? undefined : read(facts.responseTrailers))
  },
  REQ_WITHOUT_QUERY: (argument) => {
    const read = either(argument, requestField)
    return (facts) => (facts.request === undefined ? undefined : withoutQuery(read(facts.request)))
  },
  REQ_REDACTED: (argument) => {
    const read = either(argument, requestField)
    return (facts) => {
      const value = facts.request === undefined ? undefined : read(facts.request)
      return value === undefined ? undefined : redactQuery(value)
    }
  },
  QUERY_PARAM: (argument) => (facts) => queryParameter(facts.request?.path ?? '', argument),
  QUERY_PARAMS: plain((facts) => known(queryOf(facts.request?.path ?? ''))),
  PATH: pathOperator,
  REQUEST_TARGET: plain((facts) => known(facts.requestTarget)),
}

/** `A?B` as one reader. */
function either<Head>(argument: string, readerOf: (name: string) => FieldReader<Head>): FieldReader<Head> {
  const [name = '', alternative = ''] = argument.split('?')
  const first = readerOf(name)
  if (alternative === '') return first
  const second = readerOf(alternative)
  return (head) => first(head) ?? second(head)
}

/** `%PATH(X:Y)%`: X = WQ (default) or NQ, with or without query; Y = ORIG, PATH or ORIG_OR_PATH (default). */
function pathOperator(argument: string): Evaluator {
  const [query = '', which = ''] = argument.split(':')
  const finish = query === 'NQ' ? withoutQuery : known
  return ({ request }) => (request === undefined ? undefined : finish(pathOf(request, which)))
}

function pathOf(request: RequestHead, which: string): string | undefined {
  if (which === 'PATH') return request.path
  const original = request.headers.get(ORIGINAL_PATH)
  return which === 'ORIG' ? original : (original ?? request.path)
}

function withoutQuery(path: string | undefined): string | undefined {
  const mark = path?.indexOf('?') ?? -1
  return known(mark < 0 ? path : path?.slice(0, mark))
}

function queryOf(path: string): string {
  const mark = path.indexOf('?')
  return mark < 0 ? '' : path.slice(mark + 1)
}

/** The first value of a query parameter, percent-decoded (as Envoy). */
function queryParameter(path: string, name: string): string | undefined {
  const query = queryOf(path)
  return query === '' ? undefined : (new URLSearchParams(query).get(name) ?? undefined)
}
