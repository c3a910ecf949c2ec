// What the pools of Proxy and WebSocketProxy have in common: servers, how one is chosen, and which requests a pool takes.

import { z } from 'zod'
import { fieldNotes } from './read-object.ts'
import { base64, duration, flag, integer, method, name, oneOf, text, wrong } from './scalar.ts'
import { headerMatchers, stringMatcher } from './string-matcher.ts'

const server = z.object({
  url: name,
  tags: z.array(text).optional(),
  weight: integer(0, 100).optional(),
  keepHost: flag.optional(),
})

export type Server = z.output<typeof server>

const stickySession = z
  .object({
    mode: oneOf('CookieConsistentHash', 'DurationBased', 'ApplicationBased'),
    appCookieName: text.optional(),
    lbCookieName: text.optional(),
    lbCookieExpire: duration.optional(),
  })
  .superRefine((session, context) => {
    if (session.mode !== 'DurationBased' && !session.appCookieName)
      wrong(context, `mode ${session.mode} needs appCookieName`)
  })

export type StickySession = z.output<typeof stickySession>

export const loadBalance = z
  .object({
    /** Any word: what is unknown is round robin, with a warning. */
    policy: text.optional(),
    headerHashKey: text.optional(),
    stickySession: stickySession.optional(),
  })
  .superRefine((spec, context) => {
    if (spec.policy === 'headerHash' && !spec.headerHashKey) wrong(context, 'policy headerHash needs headerHashKey')
  })

export type LoadBalance = z.output<typeof loadBalance>

fieldNotes.add(loadBalance, {
  unsupported: { forwardKey: 'policy forward is for gRPC proxies' },
  ignored: { healthCheck: 'of loadBalance is deprecated and has no effect: write healthCheck beside loadBalance' },
})

export const requestMatcher = z
  .object({
    policy: oneOf('', 'general', 'ipHash', 'headerHash', 'random').optional(),
    headers: headerMatchers.optional(),
    matchAllHeaders: flag.optional(),
    urls: z.array(z.object({ methods: z.array(method).optional(), url: stringMatcher })).optional(),
    permil: integer().optional(),
    headerHashKey: text.optional(),
  })
  .superRefine((matcher, context) => {
    const policy = matcher.policy === undefined || matcher.policy === '' ? 'general' : matcher.policy
    if (policy === 'general') {
      if ((matcher.headers ?? []).length === 0) wrong(context, 'policy general needs headers')
      return
    }
    const permil = matcher.permil ?? 0
    if (permil === 0)
      wrong(context, `permil is not specified, and policy ${policy} needs it`, 'a number from 1 to 1000')
    else if (permil < 0 || permil > 1000) wrong(context, `permil must be from 1 to 1000, and this is ${permil}`)
    if (policy === 'headerHash' && !matcher.headerHashKey) wrong(context, 'policy headerHash needs headerHashKey')
  })

export type RequestMatcher = z.output<typeof requestMatcher>

/** Fields of every pool. */
export const poolFields = {
  filter: requestMatcher.optional(),
  servers: z.array(server).optional(),
  serverTags: z.array(text).optional(),
  loadBalance: loadBalance.optional(),
}

/** Registries are other programs, which nobody asks here. */
export const REGISTRY_FIELDS = {
  serviceRegistry: 'list the servers under servers; their names are looked up by DNS again and again',
  serviceName: 'list the servers under servers; their names are looked up by DNS again and again',
}

/** TLS towards the servers with a certificate of our own. */
export const mtls = z.object({
  certBase64: base64,
  keyBase64: base64,
  rootCertBase64: base64,
  insecureSkipVerify: flag.optional(),
})
