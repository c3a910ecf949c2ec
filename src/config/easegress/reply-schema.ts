// Mock, Fallback and Redirector: filters that answer themselves.

import { z } from 'zod'
import { duration, flag, headerMap, integer, name, oneOf, regexp, rootedPath, text } from './scalar.ts'
import { headerMatchers } from './string-matcher.ts'

const named = { kind: text, name: text }

/** Statuses that an answer can have; 101 and its like are none. */
const status = integer(200, 599)

export const mock = z.object({
  ...named,
  rules: z.array(
    z.object({
      match: z
        .object({
          path: rootedPath.optional(),
          pathPrefix: rootedPath.optional(),
          headers: headerMatchers.optional(),
          matchAllHeaders: flag.optional(),
        })
        .optional(),
      code: status,
      headers: headerMap.optional(),
      body: text.optional(),
      delay: duration.optional(),
    }),
  ),
})

export type MockSpec = z.output<typeof mock>

export const fallback = z.object({
  ...named,
  mockCode: status,
  mockHeaders: headerMap.optional(),
  mockBody: text.optional(),
})

export const redirector = z.object({
  ...named,
  match: regexp,
  matchPart: oneOf('uri', 'full', 'path').optional(),
  replacement: name,
  statusCode: oneOf('300', '301', '302', '303', '304', '307', '308').transform(Number).optional(),
})
