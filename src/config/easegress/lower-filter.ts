// The filters of a pipeline by kind: their schema, the results that jumpIf may name, and how they are lowered.

import { resolve } from 'node:path'
import { passwordScheme } from '../model/password-scheme.ts'
import type { PipelineFilter, RequestCheck } from '../model/pipeline.ts'
import { readNamedFile } from '../source/read-file.ts'
import type { Spot } from '../source/tree.ts'
import { requestAdaptor, requestBuilder, responseAdaptor, responseBuilder } from './builder-schema.ts'
import { corsAdaptor } from './cors-adaptor-schema.ts'
import { goSubstitution } from './go-substitution.ts'
import type { Loading } from './loading.ts'
import {
  lowerRequestAdaptor,
  lowerRequestBuilder,
  lowerResponseAdaptor,
  lowerResponseBuilder,
  type StepScope,
} from './lower-builder.ts'
import { lowerProxy } from './lower-proxy.ts'
import type { Resilience } from './lower-resilience.ts'
import { lowerWebSocketProxy } from './lower-websocket-proxy.ts'
import { proxy } from './proxy-schema.ts'
import { rateLimiter, type RateLimiterSpec } from './rate-limiter-schema.ts'
import { readObject } from './read-object.ts'
import { fallback, mock, redirector, type MockSpec } from './reply-schema.ts'
import { urlRule } from './string-matcher.ts'
import { validator, type ValidatorSpec } from './validator-schema.ts'
import { websocketProxy } from './websocket-proxy-schema.ts'

/** What a filter is lowered in. */
export interface FilterScope extends StepScope {
  readonly policies: Resilience
  /** The pipeline. Names of clusters begin with it, because filters of two pipelines may have one name. */
  readonly pipeline: string
  /** The filter's name. */
  readonly filter: string
}

interface FilterKind {
  readonly results: readonly string[]
  /** undefined when something is wrong, which is then reported. */
  readonly lower: (scope: FilterScope, spot: Spot) => PipelineFilter | undefined
}

const PROXY_RESULTS = ['internalError', 'clientError', 'serverError', 'failureCode', 'timeout', 'shortCircuited']

/** Every filter that there is. */
export const FILTER_KINDS: ReadonlyMap<string, FilterKind> = new Map<string, FilterKind>([
  [
    'WebSocketProxy',
    {
      // The vendor returns serverError without having registered it, so that no jumpIf can name it.
      results: ['internalError', 'clientError', 'serverError'],
      lower: ({ loading, pipeline, filter }, spot) => {
        const spec = readObject(loading, websocketProxy, spot)
        const action = spec && lowerWebSocketProxy(loading, spec, spot, `${pipeline}/websocketproxy#${filter}`)
        return action && { kind: 'websocket-proxy', action }
      },
    },
  ],
  [
    'Proxy',
    {
      results: PROXY_RESULTS,
      lower: ({ loading, pipeline, filter, policies }, spot) => {
        const spec = readObject(loading, proxy, spot)
        return spec && lowerProxy(loading, spec, spot, `${pipeline}/proxy#${filter}`, policies)
      },
    },
  ],
  [
    'RequestAdaptor',
    {
      results: ['decompressFailed', 'compressFailed', 'signFailed', 'buildErr'],
      lower: (scope, spot) => {
        const spec = readObject(scope.loading, requestAdaptor, spot)
        return spec && lowerRequestAdaptor(scope, spec, spot)
      },
    },
  ],
  [
    'ResponseAdaptor',
    {
      results: ['responseNotFound', 'decompressFailed', 'compressFailed', 'buildErr'],
      lower: (scope, spot) => {
        const spec = readObject(scope.loading, responseAdaptor, spot)
        return spec && lowerResponseAdaptor(scope, spec, spot)
      },
    },
  ],
  [
    'RequestBuilder',
    {
      results: ['buildErr'],
      lower: (scope, spot) => {
        const spec = readObject(scope.loading, requestBuilder, spot)
        return spec && lowerRequestBuilder(scope, spec, spot)
      },
    },
  ],
  [
    'ResponseBuilder',
    {
      results: ['buildErr'],
      lower: (scope, spot) => {
        const spec = readObject(scope.loading, responseBuilder, spot)
        return spec && lowerResponseBuilder(scope, spec, spot)
      },
    },
  ],
  [
    'RateLimiter',
    {
      results: ['rateLimited'],
      lower: ({ loading }, spot) => {
        const spec = readObject(loading, rateLimiter, spot)
        return spec && lowerRateLimiter(loading, spec, spot)
      },
    },
  ],
  [
    'CORSAdaptor',
    {
      results: ['preflighted', 'rejected'],
      lower: ({ loading }, spot) => {
        const spec = readObject(loading, corsAdaptor, spot)
        return (
          spec && {
            kind: 'cors',
            allowedOrigins: spec.allowedOrigins ?? [],
            allowedMethods: spec.allowedMethods ?? [],
            allowedHeaders: spec.allowedHeaders ?? [],
            allowCredentials: spec.allowCredentials ?? false,
            exposedHeaders: spec.exposedHeaders ?? [],
            maxAge: spec.maxAge ?? 0,
            supportCorsRequest: true,
          }
        )
      },
    },
  ],
  [
    'Validator',
    {
      results: ['invalid'],
      lower: ({ loading }, spot) => {
        const spec = readObject(loading, validator, spot)
        return spec && lowerValidator(loading, spec, spot)
      },
    },
  ],
  [
    'Mock',
    {
      results: ['mocked'],
      lower: ({ loading }, spot) => {
        const spec = readObject(loading, mock, spot)
        return spec && { kind: 'mock', rules: spec.rules.map(lowerMockRule) }
      },
    },
  ],
  [
    'Fallback',
    {
      results: ['fallback', 'responseNotFound'],
      lower: ({ loading }, spot) => {
        const spec = readObject(loading, fallback, spot)
        return (
          spec && {
            kind: 'fallback',
            status: spec.mockCode,
            headers: spec.mockHeaders ?? [],
            body: spec.mockBody ?? '',
          }
        )
      },
    },
  ],
  [
    'Redirector',
    {
      results: ['redirected'],
      lower: ({ loading }, spot) => {
        const spec = readObject(loading, redirector, spot)
        return (
          spec && {
            kind: 'redirector',
            matchPart: spec.matchPart ?? 'uri',
            regex: spec.match,
            replacement: goSubstitution(loading, spec.match, spec.replacement, spot.field('replacement')),
            status: spec.statusCode ?? 301,
          }
        )
      },
    },
  ],
])

/** Filters that the vendor has and Sluice has not. */
export const UNSUPPORTED_FILTERS: ReadonlyMap<string, string> = new Map([
  ...`AIGatewayProxy CertExtractor ConnectControl DataBuilder FileServer GRPCProxy HeaderLookup HeaderToJSON Kafka
    KafkaBackend KafkaMQTT MeshAdaptor MQTTClientAuth OIDCAdaptor OPAFilter RemoteFilter ResultBuilder SemanticCache
    SimpleHTTPProxy TopicMapper WAF WasmHost`
    .split(/\s+/)
    .map((kind) => [kind, ''] as const),
  ['RedirectorV2', 'Redirector with matchPart: full can do the same'],
  ['HTTPProxy', 'its name is Proxy since version 2'],
  ['APIAggregator', 'it is gone since version 2 of Easegress'],
])

function lowerRateLimiter(loading: Loading, spec: RateLimiterSpec, spot: Spot): PipelineFilter {
  return {
    kind: 'rate-limiter',
    rules: spec.urls.map((rule, index) => {
      const name = rule.policyRef || spec.defaultPolicyRef || ''
      const policy = spec.policies.find((each) => each.name === name)
      if (policy === undefined)
        loading.error(spot.field('urls').at(index), `policy "${name}" is not defined`, 'policies names them')
      return {
        ...urlRule(rule),
        policy: {
          timeoutMs: policy?.timeoutDuration ?? 100,
          refreshPeriodMs: policy?.limitRefreshPeriod || 10,
          limitForPeriod: policy?.limitForPeriod ?? 50,
        },
      }
    }),
  }
}

type MockRuleSpec = MockSpec['rules'][number]

const lowerMockRule = (rule: MockRuleSpec): Extract<PipelineFilter, { kind: 'mock' }>['rules'][number] => ({
  match: {
    path: rule.match?.path ?? '',
    pathPrefix: rule.match?.pathPrefix ?? '',
    headers: rule.match?.headers ?? [],
    matchAllHeaders: rule.match?.matchAllHeaders ?? false,
  },
  status: rule.code,
  headers: rule.headers ?? [],
  body: rule.body ?? '',
  delayMs: rule.delay ?? 0,
})

function lowerValidator(loading: Loading, spec: ValidatorSpec, spot: Spot): PipelineFilter {
  const checks: RequestCheck[] = Object.entries(spec.headers ?? {}).map(([name, rule]) => ({
    kind: 'header',
    name: name.toLowerCase(),
    values: rule.values ?? [],
    regex: rule.regexp,
  }))
  if (spec.jwt !== undefined) {
    const { algorithm, secret, publicKey, cookieName = '' } = spec.jwt
    const key = (algorithm.startsWith('HS') ? secret : publicKey) ?? Buffer.alloc(0)
    checks.push({ kind: 'jwt', algorithm, key, cookieName })
  }
  if (spec.basicAuth !== undefined)
    checks.push({ kind: 'basic-auth', users: readUsers(loading, spec.basicAuth, spot.field('basicAuth')) })
  if (checks.length === 0) loading.error(spot, 'the Validator checks nothing', 'write headers, jwt or basicAuth')
  return { kind: 'validator', checks }
}

const BCRYPT = 'htpasswd -B makes one that is'

const MAX_USER_FILE = 4 * 1024 * 1024

/** Lines of `user:password` or `user:hash`, as htpasswd writes them. */
function readUsers(
  loading: Loading,
  { userFile = '' }: NonNullable<ValidatorSpec['basicAuth']>,
  spot: Spot,
): ReadonlyMap<string, string> {
  const at = spot.field('userFile')
  if (userFile === '') {
    loading.error(spot, 'needs userFile, an htpasswd file')
    return new Map()
  }
  const read = readNamedFile(resolve(userFile), MAX_USER_FILE)
  if ('reason' in read) {
    loading.error(at, `cannot read the file: ${read.reason}`)
    return new Map()
  }
  const lines = read.bytes.toString('utf8').split(/\r?\n/)
  return new Map(
    lines.flatMap((line, index) => {
      const colon = line.indexOf(':')
      if (colon <= 0 || line.startsWith('#')) return []
      const [user, stored] = [line.slice(0, colon), line.slice(colon + 1).trim()]
      if (passwordScheme(stored) === 'unsupported')
        loading.error(at, `line ${index + 1} of the file: this kind of password hash is not supported`, BCRYPT)
      return [[user, stored] as const]
    }),
  )
}
