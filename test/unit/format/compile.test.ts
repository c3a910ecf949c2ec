import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonFormat } from '../../../src/config/model/access-log.ts'
import { compileJson } from '../../../src/format/compile-json.ts'
import { compile, compileLine } from '../../../src/format/compile.ts'
import { exchangeFacts, requestHead, template } from '../../support/exchange-facts.ts'

const ENVOY_DEFAULT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n'

describe('text lines', () => {
  test("Envoy's default format prints Envoy's line", () => {
    assert.equal(
      compileLine(template(ENVOY_DEFAULT), false)(exchangeFacts()),
      '[2026-11-21T03:27:01.045Z] "GET /chat?room=a%20b&token=x HTTP/1.1" 101 - 1200 4600 8100 4 "-" ' +
        '"test/1" "deadbeef-1111-4222-8333-444455556666" "echo.example" "127.0.0.1:3000"\n',
    )
  })

  test('unset prints a dash, or nothing when empty values are left out', () => {
    assert.equal(compileLine(template('<%TRACE_ID%>'), false)(exchangeFacts()), '<->')
    assert.equal(compileLine(template('<%TRACE_ID%>'), true)(exchangeFacts()), '<>')
    assert.equal(compileLine(template('%TRACE_ID%'), false)(exchangeFacts()), '-')
  })

  test('a value cannot forge a line, and the format keeps its own line ends', () => {
    const facts = exchangeFacts({ webSocketReceived: undefined, localReplyBody: 'a\r\n[forged] line\x1b[2J' })
    const line = compileLine(template('%LOCAL_REPLY_BODY%\n'), false)(facts)
    assert.equal(line, 'a\\r\\n[forged] line\\x1b[2J\n')
  })

  test('header bytes that are UTF-8 are readable in the log and untouched in a header value', () => {
    const latin1 = Buffer.from('grüße').toString('latin1')
    const facts = exchangeFacts({ request: requestHead(['x-name', latin1]) })
    assert.equal(compileLine(template('%REQ(x-name)%'), false)(facts), 'grüße')
    assert.equal(compile(template('%REQ(x-name)%'))(facts), latin1)
  })
})

describe('header values', () => {
  test('one unset operator makes the whole unset; inside a longer value it leaves nothing', () => {
    assert.equal(compile(template('%TRACE_ID%'))(exchangeFacts()), undefined)
    assert.equal(compile(template('x-%TRACE_ID%-%RESPONSE_CODE%'))(exchangeFacts()), 'x--101')
    assert.equal(compile(template('x-%TRACE_ID%'), '-')(exchangeFacts()), 'x--')
    assert.equal(compile(template(''))(exchangeFacts()), '')
    assert.equal(compile(template('100%%'))(exchangeFacts()), '100%')
  })
})

describe('JSON', () => {
  const typed = { omitEmpty: false, typed: true }

  test('numbers stay numbers, unset is null, keys are sorted', () => {
    const format: JsonFormat = {
      status: template('%RESPONSE_CODE%'),
      bytes: template('%BYTES_SENT%'),
      trace: template('%TRACE_ID%'),
      who: template('%CLOSED_BY%:%CLOSE_CAUSE%:%TRACE_ID%'),
      fixed: 'word',
      list: [template('%DURATION%'), template('%TRACE_ID%')],
      nested: { z: template('%PROTOCOL%'), a: template('%TRACE_ID%') },
      flag: true,
      nothing: null,
    }
    assert.equal(
      compileJson(format, typed)(exchangeFacts()),
      '{"bytes":4600,"fixed":"word","flag":true,"list":[8100,null],"nested":{"a":null,"z":"HTTP/1.1"},' +
        '"nothing":null,"status":101,"trace":null,"who":"client:finished:-"}',
    )
  })

  test('empty values can be left out; places in a list keep their meaning', () => {
    const format: JsonFormat = {
      a: template('%TRACE_ID%'),
      b: { c: template('%TRACE_ID%') },
      d: [template('%TRACE_ID%')],
    }
    assert.equal(compileJson(format, { omitEmpty: true, typed: true })(exchangeFacts()), '{"b":{},"d":[null]}')
  })

  test('the untyped form is all text, with dashes', () => {
    const format: JsonFormat = { a: template('%RESPONSE_CODE%'), b: template('%TRACE_ID%') }
    assert.equal(compileJson(format, { omitEmpty: false, typed: false })(exchangeFacts()), '{"a":"101","b":"-"}')
  })

  test('any value stays inside its string, on one line', () => {
    const nasty = '"}\n{"forged":true}\u2028\x00'
    const line = compileJson({ a: template('%LOCAL_REPLY_BODY%') }, typed)(exchangeFacts({ localReplyBody: nasty }))
    assert.doesNotMatch(line, /[\n\u2028]/)
    assert.deepEqual(JSON.parse(line), { a: nasty })
  })

  test('keys that look like a template are still keys', () => {
    const format: JsonFormat = { source: template('%PROTOCOL%'), parts: [] }
    assert.equal(compileJson(format, typed)(exchangeFacts()), '{"parts":[],"source":"HTTP/1.1"}')
  })
})
