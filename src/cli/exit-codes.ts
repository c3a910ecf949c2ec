// What the process answers its caller with.

export const EXIT = {
  ok: 0,
  /** The configuration was refused, or could not be put into effect (a port in use). */
  refused: 1,
  /** The command line was wrong. */
  usage: 2,
} as const
