// Which rule takes a request: the matching tables of the Gateway API's conformance suite, each test named after the one
// that it mirrors, on real sockets.

import { after, before, test } from 'node:test'
import {
  answersAs,
  type Ask,
  type Backends,
  duringWorld,
  gateway,
  pathRule,
  type Piece,
  route,
  startBackends,
  to,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

let backends: Backends

before(async () => {
  backends = await startBackends(['v1', 'v2', 'v3'])
})

after(async () => {
  await backends.stop()
  await nothingLeft()
})

/** Runs routes on one HTTP listener; each ask must give its status, or the pod that answered with 200. */
const answers = (routes: readonly Piece[], table: readonly (readonly [Ask, string])[]): Promise<void> =>
  duringWorld([gateway('gw'), ...routes, ...backends.manifests], (world) => answersAs(world, table))

const header = (...pairs: readonly string[]): Piece[] =>
  pairs.map((pair) => ({ name: pair.split('=')[0], value: pair.split('=')[1] }))
const rule = (backend: string, ...matches: readonly Piece[]): Piece => ({ matches, backendRefs: [to(backend)] })
const path = (value: string): Piece => ({ path: { type: 'PathPrefix', value } })

test('HTTPRouteSimpleSameNamespace', () =>
  answers([route('simple', { rules: [{ backendRefs: [to('v1')] }] })], [[{ path: '/' }, 'v1']]))

test('HTTPRouteExactPathMatching', () =>
  answers(
    [route('exact', { rules: [pathRule('/one', 'v1', 'Exact'), pathRule('/two', 'v2', 'Exact')] })],
    [
      [{ path: '/one' }, 'v1'],
      [{ path: '/two' }, 'v2'],
      [{ path: '/' }, '404'],
      [{ path: '/one/example' }, '404'],
      [{ path: '/two/' }, '404'],
      [{ path: '/Two' }, '404'],
    ],
  ))

test('HTTPRouteMatching', () =>
  answers(
    [
      route('matching', {
        rules: [
          rule('v1', path('/'), { headers: header('version=one') }),
          rule('v2', path('/v2'), { headers: header('version=two') }),
        ],
      }),
    ],
    [
      [{ path: '/' }, 'v1'],
      [{ path: '/example' }, 'v1'],
      [{ path: '/', headers: { Version: 'one' } }, 'v1'],
      [{ path: '/v2' }, 'v2'],
      [{ path: '/v2?x=1' }, 'v2'],
      [{ path: '/v2example' }, 'v1'],
      [{ path: '/v2/' }, 'v2'],
      [{ path: '/v2/example' }, 'v2'],
      [{ path: '/foo/v2/example' }, 'v1'],
      [{ path: '/', headers: { version: 'two' } }, 'v2'],
    ],
  ))

test('HTTPRouteMatchingAcrossRoutes', () =>
  answers(
    [
      route('part-1', {
        hostnames: ['example.com', 'example.net'],
        rules: [rule('v1', path('/'), { headers: header('version=one') })],
      }),
      route('part-2', {
        hostnames: ['example.com'],
        rules: [rule('v2', path('/v2'), { headers: header('version=two') })],
      }),
    ],
    [
      [{ host: 'example.com', path: '/' }, 'v1'],
      [{ host: 'example.com', path: '/example', headers: { version: 'one' } }, 'v1'],
      [{ host: 'example.net', path: '/example' }, 'v1'],
      [{ host: 'example.net', headers: { version: 'one' } }, 'v1'],
      [{ host: 'example.com', path: '/v2' }, 'v2'],
      [{ host: 'example.net', path: '/v2' }, 'v1'],
      [{ host: 'example.com', path: '/v2example' }, 'v1'],
      [{ host: 'example.com', path: '/foo/v2/example' }, 'v1'],
      [{ host: 'example.com', headers: { version: 'two' } }, 'v2'],
    ],
  ))

test('HTTPRoutePathMatchOrder', () =>
  answers(
    [
      route('order', {
        rules: [
          pathRule('/match/', 'v3'),
          pathRule('/match/exact', 'v2', 'Exact'),
          pathRule('/match/prefix/one', 'v2'),
          pathRule('/match', 'v1', 'Exact'),
          pathRule('/match/prefix/', 'v1'),
          pathRule('/match/exact/one', 'v3', 'Exact'),
        ],
      }),
    ],
    [
      [{ path: '/match' }, 'v1'],
      [{ path: '/match/exact' }, 'v2'],
      [{ path: '/match/exact/one' }, 'v3'],
      [{ path: '/match/any' }, 'v3'],
      [{ path: '/match/prefix/any' }, 'v1'],
      [{ path: '/match/prefix/one/any' }, 'v2'],
    ],
  ))

test('HTTPRouteHeaderMatching', () =>
  answers(
    [
      route('headers', {
        rules: [
          rule('v1', { headers: header('version=one') }),
          rule('v2', { headers: header('version=two') }),
          rule('v1', { headers: header('version=two', 'color=orange') }),
          rule('v1', { headers: header('color=blue') }, { headers: header('color=green') }),
          rule('v2', { headers: header('color=red') }, { headers: header('color=yellow') }),
        ],
      }),
    ],
    [
      [{ headers: { version: 'one' } }, 'v1'],
      [{ headers: { VERSION: 'two' } }, 'v2'],
      [{ headers: { version: 'two', color: 'orange' } }, 'v1'],
      [{ headers: { version: 'two', color: 'blue' } }, 'v2'],
      [{ headers: { color: 'orange' } }, '404'],
      [{ headers: { 'some-other-header': 'one' } }, '404'],
      [{ headers: { color: 'blue' } }, 'v1'],
      [{ headers: { color: 'green' } }, 'v1'],
      [{ headers: { color: 'red' } }, 'v2'],
      [{ headers: { color: 'yellow' } }, 'v2'],
      [{ headers: { color: 'purple' } }, '404'],
    ],
  ))

test('HTTPRouteMethodMatching', () =>
  answers(
    [
      route('methods', {
        rules: [
          rule('v1', { method: 'POST' }),
          rule('v2', { method: 'GET' }),
          rule('v1', { ...path('/path1'), method: 'GET' }),
          rule('v2', { headers: header('version=one'), method: 'PUT' }),
          rule('v3', { ...path('/path2'), headers: header('version=two'), method: 'POST' }),
          rule(
            'v1',
            { ...path('/path3'), method: 'PATCH' },
            { ...path('/path4'), headers: header('version=three'), method: 'DELETE' },
          ),
          rule('v1', path('/path5')),
          rule('v2', { method: 'PATCH' }),
          rule('v3', { headers: header('version=four') }),
        ],
      }),
    ],
    [
      [{ method: 'POST' }, 'v1'],
      [{ method: 'GET' }, 'v2'],
      [{ method: 'HEAD' }, '404'],
      [{ path: '/path1', method: 'GET' }, 'v1'],
      [{ method: 'PUT', headers: { version: 'one' } }, 'v2'],
      [{ method: 'PUT' }, '404'],
      [{ path: '/path2', method: 'POST', headers: { version: 'two' } }, 'v3'],
      [{ path: '/path3', method: 'PATCH' }, 'v1'],
      [{ path: '/path4', method: 'DELETE', headers: { version: 'three' } }, 'v1'],
      [{ path: '/path4', method: 'DELETE' }, '404'],
      [{ path: '/path5', method: 'PATCH' }, 'v1'],
      [{ path: '/', method: 'PATCH', headers: { version: 'four' } }, 'v2'],
    ],
  ))

const query = (...pairs: readonly string[]): Piece => ({ queryParams: header(...pairs) })

test('HTTPRouteQueryParamMatching', () =>
  answers(
    [
      route('query', {
        rules: [
          rule('v1', query('animal=whale')),
          rule('v2', query('animal=dolphin')),
          rule('v3', query('animal=dolphin', 'color=blue'), query('ANIMAL=Whale')),
          rule('v1', { ...path('/path1'), ...query('animal=whale') }),
          rule('v2', { headers: header('version=one'), ...query('animal=whale') }),
          rule('v3', { ...path('/path2'), headers: header('version=two'), ...query('animal=whale') }),
          rule(
            'v1',
            { ...path('/path3'), ...query('animal=shark') },
            { ...path('/path4'), headers: header('version=three'), ...query('animal=kraken') },
          ),
          rule('v1', path('/path5')),
          rule('v2', query('animal=hydra')),
          rule('v3', { headers: header('version=four') }),
        ],
      }),
    ],
    [
      [{ path: '/?animal=whale' }, 'v1'],
      [{ path: '/?animal=dolphin' }, 'v2'],
      [{ path: '/?animal=dolphin&color=blue' }, 'v3'],
      [{ path: '/?animal=dolphin&color=yellow' }, 'v2'],
      [{ path: '/?ANIMAL=Whale' }, 'v3'],
      [{ path: '/?animal=whale&otherparam=irrelevant' }, 'v1'],
      [{ path: '/?animal=dolphin&color=blue&x=y' }, 'v3'],
      [{ path: '/?color=blue' }, '404'],
      [{ path: '/?animal=dog' }, '404'],
      [{ path: '/?animal=whaledolphin' }, '404'],
      [{ path: '/' }, '404'],
      [{ path: '/path1?animal=whale' }, 'v1'],
      [{ path: '/?animal=whale', headers: { version: 'one' } }, 'v2'],
      [{ path: '/path2?animal=whale', headers: { version: 'two' } }, 'v3'],
      [{ path: '/path3?animal=shark' }, 'v1'],
      [{ path: '/path4?animal=kraken', headers: { version: 'three' } }, 'v1'],
      [{ path: '/?animal=shark' }, '404'],
      [{ path: '/path5?animal=hydra' }, 'v1'],
      [{ path: '/?animal=hydra', headers: { version: 'four' } }, 'v3'],
    ],
  ))

test('HTTPRouteNamedRule', () =>
  answers(
    [route('named', { rules: [{ name: 'named-rule', ...pathRule('/named', 'v1') }, pathRule('/unnamed', 'v2')] })],
    [
      [{ path: '/named' }, 'v1'],
      [{ path: '/unnamed' }, 'v2'],
    ],
  ))

test('a regular expression of a path comes after exact paths and before prefixes', () =>
  answers(
    [
      route('regex', {
        rules: [pathRule('/', 'v1'), pathRule('/a/[0-9]+', 'v2', 'RegularExpression'), pathRule('/a/1', 'v3', 'Exact')],
      }),
    ],
    [
      [{ path: '/a/1' }, 'v3'],
      [{ path: '/a/22' }, 'v2'],
      [{ path: '/a/22/b' }, 'v1'],
    ],
  ))
