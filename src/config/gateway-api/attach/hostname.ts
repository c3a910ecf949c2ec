// Hostnames of listeners and routes: which cover which, and what two have in common. A wildcard stands for one or more
// labels, never for none. Gateway API: Hostname.

/** Stands for every host. */
export const ANY_HOST = '*'

/** What a hostname field means; an empty or missing one is any host. */
export const hostOrAny = (hostname: string | undefined): string =>
  hostname === undefined || hostname === '' ? ANY_HOST : hostname.toLowerCase()

/** Whether every host that `narrow` stands for is one that `wide` stands for. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === ANY_HOST || wide === narrow) return true
  if (!wide.startsWith('*.') || narrow === ANY_HOST) return false
  const suffix = wide.slice(1)
  const rest = narrow.startsWith('*.') ? narrow.slice(1) : narrow
  return rest.length > suffix.length && rest.endsWith(suffix)
}

/** What both stand for; undefined when nothing. */
export function intersection(a: string, b: string): string | undefined {
  if (covers(a, b)) return b
  return covers(b, a) ? a : undefined
}

/** What a route's hostnames and a listener's have in common; a route without any takes the listener's. */
export function commonHosts(listener: string, route: readonly string[]): readonly string[] {
  if (route.length === 0) return [listener]
  const found = route.map((each) => intersection(listener, each.toLowerCase())).filter((each) => each !== undefined)
  return [...new Set(found)]
}

/** More specific first: exact, then wildcards with more characters, then any. */
export function specificHostFirst(a: string, b: string): number {
  return Number(a.includes('*')) - Number(b.includes('*')) || b.length - a.length
}
