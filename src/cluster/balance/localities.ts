// Localities of a priority and how they share: by their weight, less what is missing of their endpoints. Envoy: locality
// weighted load balancing.

import type { Endpoint } from '../endpoint.ts'
import type { Share } from './picker.ts'

/** Endpoints of one locality, and what of its priority's traffic is theirs in proportion to the others'. */
export interface WeightedLocality {
  readonly endpoints: readonly Endpoint[]
  readonly weight: number
}

const localityOf = ({ config: { locality } }: Endpoint): string =>
  JSON.stringify([locality.region, locality.zone, locality.subZone])

function byLocality(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const localities = new Map<string, Endpoint[]>()
  for (const endpoint of endpoints) {
    const key = localityOf(endpoint)
    const list = localities.get(key)
    if (list === undefined) localities.set(key, [endpoint])
    else list.push(endpoint)
  }
  return localities
}

const configuredWeight = (endpoints: readonly Endpoint[]): number => endpoints[0]?.config.localityWeight ?? 0

/**
 * Localities of `eligible` that get traffic. The weight counts in full while `overprovisioning` × the eligible part of the
 * locality's endpoints is 1 or more. Empty when no locality has a weight: then they do not matter.
 */
export function weightedLocalities(
  all: readonly Endpoint[],
  eligible: readonly Endpoint[],
  overprovisioning: number,
): readonly WeightedLocality[] {
  const members = byLocality(all)
  return [...byLocality(eligible)].flatMap(([key, endpoints]) => {
    const counted = (members.get(key) ?? []).filter(({ health }) => !health.flags.pendingActive).length
    const available = Math.min(1, (overprovisioning * endpoints.length) / Math.max(counted, endpoints.length))
    const weight = configuredWeight(endpoints) * available
    return weight > 0 ? [{ endpoints, weight }] : []
  })
}

/**
 * Shares of endpoints for a table or ring of all of them: by weight, and with `localityWeighted` by the weight of the
 * locality first. Unlike above, missing endpoints do not lessen a locality's weight, as in Envoy.
 */
export function sharesOf(endpoints: readonly Endpoint[], localityWeighted: boolean): readonly Share[] {
  const localities = localityWeighted ? [...byLocality(endpoints).values()] : []
  const sum = localities.reduce((total, locality) => total + configuredWeight(locality), 0)
  if (sum === 0) return partsOf(endpoints, 1)
  return localities.flatMap((locality) => {
    const weight = configuredWeight(locality)
    return weight === 0 ? [] : partsOf(locality, weight / sum)
  })
}

function partsOf(endpoints: readonly Endpoint[], whole: number): readonly Share[] {
  const sum = endpoints.reduce((total, { config }) => total + config.weight, 0)
  return endpoints.map((endpoint) => ({ endpoint, part: (endpoint.config.weight * whole) / sum }))
}
