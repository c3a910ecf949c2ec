// Compiled expectations of a check: statuses, header fields, pieces of the body.

import type { BodyExpectation, HeaderExpectation, StatusRange } from '../../config/model/health-check.ts'
import type { HeaderList } from '../../codec/header-list.ts'
import { compileStringMatch, type StringTest } from '../../route/string-test.ts'

/** Whether a range holds the status. */
export const inRanges = (status: number, ranges: readonly StatusRange[]): boolean =>
  ranges.some(({ first, last }) => status >= first && status <= last)

/** Names the first field that is not as expected; undefined when all are. Of repeated fields the first one counts. */
export type HeaderFault = (headers: HeaderList) => string | undefined

export function compileHeaderExpectations(expectations: readonly HeaderExpectation[]): HeaderFault {
  const tests = expectations.map(({ name, match }) => ({ name, test: compileStringMatch(match) }))
  return (headers) => tests.find(({ name, test }) => !test(headers.get(name) ?? ''))?.name
}

/** Whether a body has the expected pieces, in their order. */
export type BodyTest = (body: Buffer) => boolean

interface Piece {
  readonly expectation: BodyExpectation
  readonly test: StringTest | undefined
}

export function compileBodyExpectations(expectations: readonly BodyExpectation[]): BodyTest {
  const pieces = expectations.map((expectation): Piece => {
    const test = expectation.kind === 'match' ? compileStringMatch(expectation.match) : undefined
    return { expectation, test }
  })
  return (body) => {
    let at = 0
    for (const piece of pieces) {
      at = endOf(piece, body, at)
      if (at < 0) return false
    }
    return true
  }
}

/** Where the piece ends in `body`, looked for from `at` on; -1 when it is not there. */
function endOf({ expectation, test }: Piece, body: Buffer, at: number): number {
  if (expectation.kind === 'bytes') {
    const found = body.indexOf(expectation.bytes, at)
    return found < 0 ? -1 : found + expectation.bytes.length
  }
  const { match } = expectation
  if (match.kind === 'contains' && !match.ignoreCase) {
    const value = Buffer.from(match.value, 'utf8')
    const found = body.indexOf(value, at)
    return found < 0 ? -1 : found + value.length
  }
  // Where it ends within the text is not known: what follows is looked for in the same text.
  return test?.(body.toString('utf8', at)) === true ? at : -1
}
