// What a failed lookup is called for people.

/** The resolver's code, such as `ENOTFOUND`, or its message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'lookup failed'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
