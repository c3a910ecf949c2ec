// The shape of an admin endpoint: a path, words for /help, and a function from a request to an answer.

import type { AdminContext } from './context.ts'

export interface AdminRequest {
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly query: URLSearchParams
}

export interface AdminResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Runs when the answer has left: what ends the server must not end the answer. */
  readonly after?: () => void
}

export interface EndpointParameter {
  readonly name: string
  readonly summary: string
}

export interface Endpoint {
  readonly path: string
  readonly summary: string
  /** Changes something: POST only. */
  readonly mutates: boolean
  readonly parameters: readonly EndpointParameter[]
  /** Also answers for every path below `path`. */
  readonly below?: boolean
  handle(request: AdminRequest, context: AdminContext): AdminResponse
}

/** A plain text answer. */
export const text = (body: string, status = 200): AdminResponse => ({
  status,
  contentType: 'text/plain; charset=UTF-8',
  body,
})

/** A JSON answer, indented: people read these. */
export const json = (value: unknown, status = 200): AdminResponse => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(value, null, 1)}\n`,
})

/** 400 with the reason. */
export const refused = (reason: string): AdminResponse => text(`${reason}\n`, 400)

/** What Envoy answers when something was done. */
export const DONE: AdminResponse = text('OK\n')

/** `format=` when it is one of `formats`, the first being the default; undefined when it is none of them. */
export function formatOf<F extends string>(query: URLSearchParams, formats: readonly [F, ...F[]]): F | undefined {
  const asked = query.get('format') ?? formats[0]
  return formats.find((format) => format === asked)
}
