// Format strings into templates.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as assertProperty, property, string } from 'fast-check'
import { literalTemplate, parseFormat } from '../../../../src/config/model/format-parse.ts'

function parts(source: string): unknown {
  const parsed = parseFormat(source)
  assert.ok(parsed.kind === 'template', JSON.stringify(parsed))
  return parsed.template.parts
}

function refusal(source: string): string {
  const parsed = parseFormat(source)
  return parsed.kind === 'refused' ? `${parsed.message}|${parsed.hint ?? ''}` : 'taken'
}

test('text, operators, arguments, lengths and doubled percent signs', () => {
  assert.deepEqual(parts('a %% %PROTOCOL%%REQ(X?Y):10%b'), [
    { kind: 'text', text: 'a % ' },
    { kind: 'operator', name: 'PROTOCOL', argument: '', maxLength: undefined },
    { kind: 'operator', name: 'REQUEST_HEADER', argument: 'X?Y', maxLength: 10 },
    { kind: 'text', text: 'b' },
  ])
  assert.deepEqual(parts('%START_TIME(%Y-%m-%dT%H:%M:%S%z)%'), [
    { kind: 'operator', name: 'START_TIME', argument: '%Y-%m-%dT%H:%M:%S%z', maxLength: undefined },
  ])
  assert.deepEqual(parts('%RESP(SERVER)%'), [
    { kind: 'operator', name: 'RESPONSE_HEADER', argument: 'SERVER', maxLength: undefined },
  ])
  assert.deepEqual(parts(''), [])
})

test('what is wrong names the nearest operator', () => {
  assert.match(refusal('%RESPONSE_COD%'), /no command operator %RESPONSE_COD%.*did you mean %RESPONSE_CODE%/)
  assert.match(refusal('%PROTO%'), /did you mean %PROTOCOL%/)
  assert.match(refusal('100% sure'), /incorrect command operator/)
  assert.match(refusal('%REQ%'), /needs an argument/)
  assert.match(refusal('%REQ(a%'), /incorrect command operator/)
  assert.match(refusal('%PROTOCOL(x)%'), /takes no argument/)
  assert.match(refusal('%COMMON_DURATION(DS_RX_BEG:DS_TX_END:s)%'), /not one of ms, us, ns/)
  assert.equal(refusal('%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%'), 'taken')
  assert.match(refusal('%CEL(request.path)%'), /not supported by Sluice yet/)
})

test('any text is taken or refused, and a literal comes back as it was', () => {
  assertProperty(
    property(string(), (text) => {
      parseFormat(text)
      const literal = literalTemplate(text)
      const parsed = parseFormat(literal.source)
      assert.ok(parsed.kind === 'template')
      assert.deepEqual(parsed.template.parts, literal.parts)
    }),
  )
})
