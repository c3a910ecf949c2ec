// Access logs: where a line goes, what it says, which events get one. Envoy: config.accesslog.v3.

import type { FormatTemplate } from './format-template.ts'
import type { Place } from './place.ts'
import type { HeaderMatch } from './string-match.ts'

export type JsonFormat = {
  readonly [key: string]:
    FormatTemplate | JsonFormat | readonly (FormatTemplate | JsonFormat)[] | string | number | boolean | null
}

export type LogFormat =
  | { readonly kind: 'text'; readonly template: FormatTemplate; readonly omitEmpty: boolean }
  | {
      readonly kind: 'json'
      readonly fields: JsonFormat
      readonly omitEmpty: boolean
      /** Keep numbers as numbers. */ readonly typed: boolean
    }

export type LogTarget =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'stdout' } | { readonly kind: 'stderr' }

export type Comparison = { readonly op: 'EQ' | 'GE' | 'LE' | 'NE'; readonly value: number }

export type LogFilter =
  | { readonly kind: 'status'; readonly comparison: Comparison }
  | { readonly kind: 'duration'; readonly comparison: Comparison }
  | { readonly kind: 'not-health-check' }
  | { readonly kind: 'traceable' }
  | { readonly kind: 'runtime'; readonly percent: number }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly LogFilter[] }
  | { readonly kind: 'header'; readonly header: HeaderMatch }
  /** Empty = any flag. */
  | { readonly kind: 'flags'; readonly flags: readonly string[] }
  /** %ACCESS_LOG_TYPE% values. */
  | { readonly kind: 'type'; readonly types: readonly string[]; readonly exclude: boolean }
  | { readonly kind: 'grpc-status'; readonly statuses: readonly number[]; readonly exclude: boolean }

export interface AccessLogConfig {
  readonly target: LogTarget
  readonly format: LogFormat
  readonly filter: LogFilter | undefined
  readonly place: Place
}

/** Which lines besides the one at the end. */
export interface AccessLogOptions {
  /** Interval of DownstreamPeriodic lines; undefined = none. */
  readonly flushIntervalMs: number | undefined
  /** DownstreamStart. */
  readonly onNewRequest: boolean
  /** DownstreamTunnelSuccessfullyEstablished. */
  readonly onTunnelEstablished: boolean
}
