// How a gauge of several workers becomes one. Most count what a worker has, such as open connections, and add up. Some say
// what each worker knows of the same thing, such as the endpoints of a cluster: adding those up would count it several times.

/** `sum`: each has its own. `most`: all look at the same, or one that is at its limit is news. `least`: as few as anyone says. */
export type GaugeMerge = 'sum' | 'most' | 'least'

/** `name`: without tag values (`extracted`), so that no name of a cluster or listener can be taken for a rule. */
export function gaugeMerge(name: string): GaugeMerge {
  if (MOST.test(name)) return 'most'
  return LEAST.test(name) ? 'least' : 'sum'
}

const MOST = new RegExp(
  [
    '^server\\.(live|state|uptime)$',
    '^listener_manager\\.total_listeners_active$',
    '^cluster_manager\\.active_clusters$',
    '^cluster\\.membership_(total|degraded|excluded)$',
    '^cluster\\.health_check\\.(.+\\.)?degraded$',
    '^cluster\\.(ring_hash|maglev)_lb\\.',
    // Each worker ejects by what it sees.
    '^cluster\\.outlier_detection\\.ejections_active$',
    '\\.circuit_breakers\\.(.+\\.)?(cx|rq|rq_pending|rq_retry)_open$',
    '^dns_cache\\.(.+\\.)?num_hosts$',
  ].join('|'),
)

const LEAST = /^cluster\.(membership_healthy|health_check\.(.+\.)?healthy)$/
