// What every dialect's loader answers with: the model, what there is to say about the text, and what only this dialect
// can tell of its objects.

import type { Diagnostic } from './diagnostics.ts'
import type { ConfigObject } from './model/config-object.ts'
import type { ProxyConfig } from './model/proxy.ts'

export type { ConfigObject } from './model/config-object.ts'

export type Dialect = 'envoy' | 'easegress' | 'gateway-api'

export interface LoadedConfig {
  readonly dialect: Dialect
  /**
   * undefined when nothing can run. Manifests stand by themselves: with errors in some of them the others still run, so
   * there may be a configuration beside errors.
   */
  readonly config: ProxyConfig | undefined
  /** Sorted; errors and warnings. */
  readonly diagnostics: readonly Diagnostic[]
  /** The objects as read, secrets redacted: Easegress's for /apis/v2/objects; Gateway API's with their status. */
  readonly objects: readonly ConfigObject[]
}

/** Switches that concern every dialect. */
export interface DialectOptions {
  /** Listen on another port than the configuration says: for ports below 1024, and for tests. */
  readonly portMap?: ReadonlyMap<number, number>
  /** Environment that data sources read. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Wall clock in milliseconds, to tell expired certificates. */
  readonly now?: number
}
