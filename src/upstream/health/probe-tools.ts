// What the probes of one check share.

import type { Clock } from '../../core/clock.ts'
import { closeCause, type CloseCause } from '../../core/close-cause.ts'
import type { ProbeOutcome } from '../../cluster/health/prober.ts'
import type { Cluster } from '../../config/model/cluster.ts'
import type { HealthCheck, Probe } from '../../config/model/health-check.ts'
import type { CodecFactory } from '../client-codecs.ts'
import type { DiallerFactory } from '../dial.ts'

export interface ProbeTools {
  readonly clock: Clock
  /** As the check's probes see it. */
  readonly cluster: Cluster
  readonly check: HealthCheck
  readonly diallers: DiallerFactory
  readonly codecs: CodecFactory
}

/** The probes of one kind. */
export type ProbeOf<Kind extends Probe['kind']> = Extract<Probe, { readonly kind: Kind }>

/** The probe is over; its connection is not needed any more. */
export const PROBE_OVER = closeCause('proxy', 'http', 'finished', 'the health check is over')

export const PASSED: ProbeOutcome = { kind: 'success', degraded: false }

/** The endpoint could not be talked to. */
export const unreachable = (reason: string): ProbeOutcome => ({
  kind: 'failure',
  type: 'network',
  atOnce: false,
  reason,
  hint: '',
})

/** It talked, but said the wrong thing. `retriable`: of a status that counts towards the threshold in any case. */
export const wrongAnswer = (check: HealthCheck, reason: string, hint = '', retriable = false): ProbeOutcome => ({
  kind: 'failure',
  type: 'active',
  atOnce: check.wrongAnswer === 'fails' && !retriable,
  reason,
  hint,
})

/** A cause as a fragment of a reason. */
export const causeText = ({ code, detail }: CloseCause): string => (detail === '' ? code : detail)
