// What one load of Easegress objects shares: the switches, the findings so far, and the names that are taken.

import type { Diagnostic, Severity } from '../diagnostics.ts'
import type { DialectOptions } from '../dialect.ts'
import type { Cluster } from '../model/cluster.ts'
import type { Place } from '../model/place.ts'
import type { Spot } from '../source/tree.ts'

export class Loading {
  readonly options: DialectOptions
  readonly diagnostics: Diagnostic[] = []
  /** Made by the pools of proxies. */
  readonly clusters = new Map<string, Cluster>()

  constructor(options: DialectOptions) {
    this.options = options
  }

  /** Something that keeps the configuration from running. */
  error(spot: Spot, message: string, hint?: string): void {
    this.add('error', spot.place, message, hint)
  }

  /** The same, about the field's name rather than its value. */
  errorAtKey(spot: Spot, message: string, hint?: string): void {
    this.add('error', spot.placeOfKey, message, hint)
  }

  /** The same, at a line that no field begins in. */
  errorAt(place: Place, message: string, hint?: string): void {
    this.add('error', place, message, hint)
  }

  /** Something worth saying that does not stop anything. */
  warning(spot: Spot, message: string, hint?: string): void {
    this.add('warning', spot.placeOfKey, message, hint)
  }

  private add(severity: Severity, place: Place, message: string, hint: string | undefined): void {
    this.diagnostics.push(hint === undefined ? { severity, place, message } : { severity, place, message, hint })
  }
}
