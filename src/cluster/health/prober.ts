// The contract between the timing of checks and the probes on the wire, which upstream/health has.

import type { HealthCheck } from '../../config/model/health-check.ts'
import type { Endpoint } from '../endpoint.ts'

/** What one probe came to. `reason` is a fragment for people, without secrets: `answered 503 to GET /ready`. */
export type ProbeOutcome =
  | { readonly kind: 'success'; readonly degraded: boolean; readonly clusterVerified?: boolean }
  | {
      readonly kind: 'failure'
      readonly type: 'active' | 'network'
      /** A healthy endpoint is unhealthy now, whatever the threshold. */
      readonly atOnce: boolean
      readonly reason: string
      /** What may be wrong with the check rather than with the endpoint; '' = nothing. */
      readonly hint: string
      readonly clusterVerified?: boolean
    }

/** Gets exactly one outcome per probe, in a later turn; none after `abandon`. Called on the object. */
export interface ProbeSink {
  onProbed(outcome: ProbeOutcome): void
}

/** Probes one endpoint, one probe at a time; may keep its connection in between. */
export interface Prober {
  /** What the probe under way waits for, for the reason of a timeout: `no connection yet`. */
  readonly waitsFor: string
  /** See `ProbeOutcome`; for a probe that takes too long. */
  readonly hint: string
  probe(sink: ProbeSink): void
  /** Gives up the probe under way and its connection. */
  abandon(): void
  /** Ends for good, with everything that is still open. */
  close(): void
}

export type ProberFactory = (endpoint: Endpoint, check: HealthCheck) => Prober
