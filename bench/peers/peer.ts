// What the harness needs to know of a proxy that stands in the comparison.
import type { Shape, Workload } from '../workload.ts'

export interface Site {
  /** A directory of this instance alone. */
  readonly directory: string
  readonly listenPort: number
  readonly originPort: number
  readonly adminPort: number
  readonly shape: Shape
  readonly certificate: Certificate
  /** Descriptors a process may open here: peers size their tables by it. */
  readonly maximumFiles: number
}

export interface Certificate {
  readonly certificate: string
  readonly key: string
  /** Both in one file, as HAProxy wants them. */
  readonly combined: string
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

export interface Peer {
  readonly name: string
  /** The version in a few words, or undefined when the proxy is not installed. */
  version: () => string | undefined
  can: (workload: Workload) => boolean
  /** Workers are processes of their own: fewer than asked for means that it cannot run so many. */
  readonly workersAreProcesses?: boolean
  /** Writes the configuration and says how to start the proxy in the foreground. */
  prepare: (site: Site) => Command
}
