import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../../../../../src/codec/header-list.ts'
import type { RequestHead } from '../../../../../src/codec/http-stream.ts'
import type {
  PathAdaption,
  PipelineFilter,
  PipelineStep,
  PipelineText,
} from '../../../../../src/config/model/pipeline.ts'
import { compileRegex, isRegex } from '../../../../../src/config/source/regex.ts'
import { pipelineCompiler } from '../../../../../src/filter/http/pipeline/compiled-pipeline.ts'
import { pipelineFilter } from '../../../../../src/filter/http/pipeline/factory.ts'
import { jumpsOf, nextStep } from '../../../../../src/filter/http/pipeline/flow.ts'
import { verifyPassword } from '../../../../../src/filter/http/pipeline/htpasswd.ts'
import { PipelineExchange } from '../../../../../src/filter/http/pipeline/pipeline-exchange.ts'
import { adaptedPath } from '../../../../../src/filter/http/pipeline/request-adaptor.ts'
import { textOf } from '../../../../../src/filter/http/pipeline/text.ts'
import { passwordScheme } from '../../../../../src/config/model/password-scheme.ts'
import { RecordedHandle } from '../../../../support/exchange-handle.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { place, step, text } from '../../../../support/pipeline-model.ts'
import { forward } from '../../../route/build.ts'

function head(path: string, headers: readonly string[] = [], method = 'GET'): RequestHead {
  return {
    method,
    scheme: 'http',
    authority: 'app.example:8080',
    path,
    protocol: 'HTTP/1.1',
    headers: new HeaderList([...headers]),
    tunnel: undefined,
  }
}

/** Runs a request through steps; what the handle heard. */
function run(steps: readonly PipelineStep[], request: RequestHead, clock = new ManualClock()) {
  const handle = new RecordedHandle(undefined, request)
  const config = { kind: 'pipeline', name: 'p', disabled: false, pipeline: { name: 'p', steps, place }, place } as const
  const filter = pipelineFilter(config, { clock, compile: pipelineCompiler(clock) }).create(handle, undefined)
  const verdict = filter.onRequestHead?.(request, true)
  return { handle, filter, verdict, clock }
}

const cors: PipelineFilter = {
  kind: 'cors',
  allowedOrigins: ['https://*.example', 'https://b.test'],
  allowedMethods: ['GET', 'PUT'],
  allowedHeaders: ['x-a'],
  allowCredentials: true,
  exposedHeaders: ['x-b'],
  maxAge: 60,
  supportCorsRequest: true,
}
const proxy: PipelineFilter = { kind: 'proxy', action: forward(), breaker: undefined, failureStatuses: new Set() }

test('a result goes where jumpIf says, to the end when it says nothing, and only forward', () => {
  const names = ['a', 'b', 'c']
  const jumps = jumpsOf(
    new Map([
      ['bad', 'c'],
      ['worse', 'END'],
      ['back', 'a'],
    ]),
    0,
    names,
  )
  const steps = names.map((name, at) => ({ name, jumps: at === 0 ? jumps : new Map<string, number>() }))
  assert.equal(nextStep(steps, 0, ''), 1)
  assert.equal(nextStep(steps, 0, 'bad'), 2)
  assert.equal(nextStep(steps, 0, 'worse'), 3)
  assert.equal(nextStep(steps, 0, 'back'), 3)
  assert.equal(nextStep(steps, 0, 'unknown'), 3)
})

test('paths are set, lengthened, shortened and replaced; a ? in what is made is no query', () => {
  const compiled = compileRegex('/v([0-9]+)')
  assert.ok(isRegex(compiled))
  const rows: readonly (readonly [PathAdaption, string, string])[] = [
    [{ kind: 'set', value: '/b' }, '/a', '/b'],
    [{ kind: 'add-prefix', value: '/b' }, '/a', '/b/a'],
    [{ kind: 'trim-prefix', value: '/a' }, '/a/b', '/b'],
    [{ kind: 'trim-prefix', value: '/x' }, '/a/b', '/a/b'],
    [{ kind: 'replace-prefix', prefix: '/ws', value: '/chat' }, '/ws/a', '/chat/a'],
    [{ kind: 'regexp', regex: compiled, substitution: '/\\1' }, '/v2/x', '/2/x'],
    [{ kind: 'set', value: '/b?c#d' }, '/a', '/b%3Fc%23d'],
  ]
  for (const [adaption, path, result] of rows) assert.equal(adaptedPath(path, adaption), result)
})

test('texts look up the request, the answer, the client and the time, and change what they found', () => {
  const request = head('/a/b?q=x%20y&q=z', ['cookie', 'c=1', 'authorization', 'Basic YW5uOnB3', 'x-h', ' V '])
  const clock = new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 6))
  const exchange = new PipelineExchange(new RecordedHandle(undefined, request), request, clock)
  const namespace = 'DEFAULT'
  type Lookup = Extract<PipelineText['parts'][number], { kind: 'lookup' }>
  const of = (value: Lookup['value'], changes: Lookup['changes'] = []): string =>
    textOf({ source: '', parts: [{ kind: 'lookup', value, changes }] }, exchange)
  assert.equal(of({ kind: 'request', namespace, part: 'hostname' }), 'app.example')
  assert.equal(of({ kind: 'request', namespace, part: 'path' }), '/a/b')
  assert.equal(of({ kind: 'request', namespace, part: 'query' }), 'q=x%20y&q=z')
  assert.equal(of({ kind: 'request', namespace, part: 'basic-user' }), 'ann')
  assert.equal(of({ kind: 'request-field', namespace, of: 'query', name: 'q' }), 'x y')
  assert.equal(of({ kind: 'request-field', namespace, of: 'cookie', name: 'c' }), '1')
  assert.equal(of({ kind: 'request-field', namespace: 'other', of: 'header', name: 'x-h' }), '')
  assert.equal(
    of({ kind: 'request-field', namespace, of: 'header', name: 'x-h' }, [{ kind: 'trim' }, { kind: 'lower' }]),
    'v',
  )
  assert.equal(of({ kind: 'response-status', namespace }, [{ kind: 'default', argument: 'none' }]), 'none')
  assert.equal(of({ kind: 'time', form: 'iso8601' }), '2026-01-02T03:04:05Z')
  assert.equal(of({ kind: 'time', form: 'common-log' }), '02/Jan/2026:03:04:05 +0000')
  assert.equal(of({ kind: 'client', part: 'forwarded-for' }), '10.1.2.3')
})

test('CORSAdaptor answers a preflight, marks a request that goes on, and refuses another origin with 403', () => {
  const steps = [step('cors', cors), step('proxy', proxy)]
  const asked = [
    'origin',
    'https://A.example',
    'access-control-request-method',
    'PUT',
    'access-control-request-headers',
    'X-A',
  ]
  const preflight = run(steps, head('/', asked, 'OPTIONS')).handle.reply
  assert.equal(preflight?.status, 204)
  const fields = new Map(preflight?.headers)
  assert.equal(fields.get('access-control-allow-origin'), 'https://A.example')
  assert.equal(fields.get('access-control-allow-methods'), 'PUT')
  assert.equal(fields.get('access-control-max-age'), '60')
  const forbidden = run(
    steps,
    head('/', ['origin', 'https://b.test', 'access-control-request-method', 'DELETE'], 'OPTIONS'),
  )
  assert.equal(new Map(forbidden.handle.reply?.headers).has('access-control-allow-origin'), false)
  assert.equal(run(steps, head('/', ['origin', 'https://evil.test'])).handle.reply?.status, 403)
  const passed = run(steps, head('/', ['origin', 'https://b.test']))
  assert.equal(passed.verdict, 'continue')
  const answer = { status: 200, reason: '', headers: new HeaderList(['access-control-allow-origin', '*', 'x', '1']) }
  assert.equal(passed.filter.onResponseHead?.(answer, false), 'continue')
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://b.test')
  assert.equal(answer.headers.get('access-control-expose-headers'), 'x-b')
  assert.equal(answer.headers.get('vary'), 'Origin')
})

test('a request that waits for its turn goes on when it comes, and is forgotten when its client leaves', () => {
  const limiter: PipelineFilter = {
    kind: 'rate-limiter',
    rules: [{ methods: ['GET'], url: [], policy: { timeoutMs: 1000, refreshPeriodMs: 1000, limitForPeriod: 1 } }],
  }
  const steps = [step('limit', limiter), step('proxy', proxy)]
  const clock = new ManualClock()
  const compile = pipelineCompiler(clock)
  const pipeline = { name: 'p', steps, place }
  const factory = pipelineFilter({ kind: 'pipeline', name: 'p', disabled: false, pipeline, place }, { clock, compile })
  const start = () => {
    const request = head('/')
    const handle = new RecordedHandle(undefined, request)
    const filter = factory.create(handle, undefined)
    return { handle, filter, verdict: filter.onRequestHead?.(request, true) }
  }
  assert.equal(start().verdict, 'continue')
  const waiting = start()
  assert.equal(waiting.verdict, 'stop')
  assert.equal(start().handle.reply?.status, 429)
  clock.advance(1000)
  assert.deepEqual(waiting.handle.calls, ['forward', 'continue'])
  const left = start()
  assert.equal(left.verdict, 'stop')
  left.filter.onDestroy?.()
  assert.equal(clock.pending, 0)
})

test('an open breaker answers 503 without asking anybody, and a failed call is told', () => {
  const breaker = {
    name: 'b',
    window: { kind: 'count', size: 1 },
    failureRateThreshold: 50,
    slowCallRateThreshold: 100,
    slowCallMs: 60_000,
    permittedInHalfOpen: 1,
    minimumCalls: 1,
    maxWaitInHalfOpenMs: 0,
    waitInOpenMs: 1000,
    failureStatuses: new Set([500]),
    place,
  } as const
  const clock = new ManualClock()
  const compile = pipelineCompiler(clock)
  const fallback: PipelineFilter = { kind: 'fallback', status: 200, headers: [], body: 'cached' }
  const steps = [
    step('proxy', { ...proxy, kind: 'proxy', breaker }, { jumpIf: { shortCircuited: 'instead', serverError: 'END' } }),
    step('end', { kind: 'end' }),
    step('instead', fallback),
  ]
  const pipeline = { name: 'p', steps, place }
  const factory = pipelineFilter({ kind: 'pipeline', name: 'p', disabled: false, pipeline, place }, { clock, compile })
  const start = () => {
    const request = head('/')
    const handle = new RecordedHandle(undefined, request)
    const filter = factory.create(handle, undefined)
    return { handle, filter, verdict: filter.onRequestHead?.(request, true) }
  }
  const first = start()
  assert.equal(first.verdict, 'continue')
  const failed = first.filter.onLocalReply?.({ code: 'upstream_connection_failure', explanation: 'refused' })
  assert.ok(typeof failed === 'object' && failed.status === 503)
  const second = start()
  assert.equal(second.verdict, 'stop')
  assert.equal(second.handle.reply?.status, 200)
  assert.equal(second.handle.reply?.body?.bytes.toString(), 'cached')
})

test('htpasswd entries of each scheme are told apart and checked', async () => {
  const entries = {
    apr1: '$apr1$abcdefgh$82JubPF2dQkt1tVfvLnXS.',
    sha1: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
    plain: 'secret',
    bcrypt: '$2b$04$zqvnzZ9tJH2e2pTQ1Wd7nO6wG9wX0Xy3rYkXxkG4Z7m0t0rS0q9Si',
  } as const
  for (const [scheme, stored] of Object.entries(entries)) assert.equal(passwordScheme(stored), scheme)
  assert.equal(await verifyPassword(entries.apr1, 'x'), true)
  assert.equal(await verifyPassword(entries.apr1, 'y'), false)
  assert.equal(await verifyPassword(entries.sha1, 'secret'), true)
  assert.equal(await verifyPassword(entries.plain, 'secret'), true)
  assert.equal(await verifyPassword(entries.plain, 'Secret'), false)
  for (const stored of ['$6$salt$hash', '{SSHA}x', '']) {
    assert.equal(passwordScheme(stored), 'unsupported')
    assert.equal(await verifyPassword(stored, stored), false)
  }
})

test('an adaptor leaves the length and the host alone, and takes no value that would split a head', () => {
  const set = [
    ['content-length', text('99')],
    ['transfer-encoding', text('chunked')],
    ['host', text('evil.example')],
    ['x-split', text('a\r\nb: c')],
    ['x-fine', text('yes')],
  ] as const
  const adaptor: PipelineFilter = {
    kind: 'request-adaptor',
    method: text('BAD METHOD'),
    host: text('user@host/path'),
    path: undefined,
    headers: { set, add: [], remove: ['content-length'] },
    body: undefined,
  }
  const request = head('/', ['content-length', '3'], 'POST')
  run([step('adapt', adaptor), step('proxy', proxy)], request)
  assert.deepEqual(request.headers.fields, ['content-length', '3', 'x-fine', 'yes'])
  assert.deepEqual([request.method, request.authority], ['POST', 'app.example:8080'])
})
