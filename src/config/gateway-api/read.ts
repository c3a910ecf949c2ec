// Texts into objects: every document by itself, `kind: List` opened, each object checked by its kind's schema. What is
// refused is said, and the others go on.

import type { core } from 'zod'
import type { Place } from '../model/place.ts'
import { nearestName } from '../model/nearest-name.ts'
import { readDocuments, type SourceText } from '../source/read-file.ts'
import { Spot, type SourceNode } from '../source/tree.ts'
import { isDnsName } from './kinds/field.ts'
import type { Kind } from './kinds/kind.ts'
import { KINDS, OWN_GROUPS } from './kinds/registry.ts'
import { isRecord, plainData } from './plain-data.ts'
import type { Resource } from './resource.ts'
import { DEFAULT_NAMESPACE } from './store.ts'
import type { Working } from './working.ts'

/** Objects of one configuration; beyond it the rest is refused. */
const MAX_OBJECTS = 50_000

/** Objects without a creationTimestamp are younger than all with one, and older than the ones after them. */
const UNDATED_MS = 4e12

/** Fills the store. */
export function readObjects(working: Working, sources: readonly SourceText[]): void {
  const reader = new Reader(working)
  for (const source of sources) {
    for (const document of readDocuments(source)) {
      if (document.kind === 'tree') reader.read(new Spot(document.root, '', document.root.place))
      else for (const { place, message } of document.problems) reader.refuse({ ...place, path: '' }, message)
    }
  }
}

class Reader {
  readonly #working: Working
  #order = 0

  constructor(working: Working) {
    this.#working = working
  }

  refuse(place: Place, message: string): void {
    this.#working.diagnostics.push({ severity: 'error', place, message })
  }

  read(spot: Spot): void {
    if (spot.node?.kind !== 'map')
      return this.#error(spot, 'a manifest is a mapping with apiVersion, kind and metadata')
    const apiVersion = textOf(spot.key('apiVersion').node)
    const kind = textOf(spot.key('kind').node)
    if (apiVersion === undefined)
      return this.#error(spot, 'apiVersion is missing', 'such as gateway.networking.k8s.io/v1')
    if (kind === undefined) return this.#error(spot, 'kind is missing', 'such as HTTPRoute')
    if (kind.endsWith('List') && spot.key('items').node?.kind === 'list') return this.#readList(spot.key('items'))
    const known = this.#kindOf(spot, apiVersion, kind)
    if (known !== undefined) this.#readObject(spot, apiVersion, known)
  }

  #readList(items: Spot): void {
    if (items.node?.kind === 'list') for (const index of items.node.items.keys()) this.read(items.at(index))
  }

  /** undefined when the object is refused, or none of ours. */
  #kindOf(spot: Spot, apiVersion: string, kind: string): Kind | undefined {
    const [group, version] = splitVersion(apiVersion)
    const known = KINDS.find((each) => each.kind === kind && each.group === group)
    if (known === undefined) {
      if (OWN_GROUPS.includes(group)) this.#unknownKind(spot, group, kind)
      else if (!isClusterGroup(group))
        this.#working.warning(spot.key('kind'), `${kind} of ${group} is not read; the object has no effect`)
      return undefined
    }
    if (known.versions.includes(version)) return known
    this.#refuseVersion(spot, apiVersion, known)
    return undefined
  }

  #unknownKind(spot: Spot, group: string, kind: string): void {
    const at = spot.key('kind')
    const why = UNSUPPORTED_KINDS.get(kind)
    if (why === '') return
    if (why !== undefined) return this.#error(at, `${kind} is known but not supported by Sluice`, why)
    const near = nearestName(
      kind,
      KINDS.filter((each) => each.group === group).map((each) => each.kind),
    )
    this.#error(at, `no kind of ${group} is named "${kind}"`, near === undefined ? undefined : `is it ${near}?`)
  }

  #readObject(spot: Spot, apiVersion: string, kind: Kind): void {
    if (this.#order >= MAX_OBJECTS) return this.#error(spot, `more than ${MAX_OBJECTS} objects`)
    const raw = plainData(spot.node)
    if (!isRecord(raw)) return
    const head = this.#head(spot, kind, raw['metadata'])
    if (head === undefined) return
    const { apiVersion: _version, kind: _kind, metadata: _metadata, status: _status, ...body } = raw
    const parsed = kind.schema.safeParse(body)
    const order = this.#order++
    const common = { ...head, apiVersion, createdMs: head.createdMs ?? UNDATED_MS + order, order, spot, raw }
    if (!parsed.success) return this.#refuseObject({ ...common, value: undefined }, kind, parsed.error.issues)
    const resource: Resource = { ...common, value: parsed.data }
    if (!this.#working.store.add(resource))
      this.#error(spot.key('metadata').key('name'), `another ${kind.kind} has this name; the first one counts`)
  }

  /** Of a version that means who knows what; a policy still forbids that what it names goes unprotected. */
  #refuseVersion(spot: Spot, apiVersion: string, kind: Kind): void {
    const [group, version] = splitVersion(apiVersion)
    const message = `${kind.kind} is not read in version ${version}`
    const known = kind.versions.map((each) => (group === '' ? each : `${group}/${each}`)).join(', ')
    this.#error(spot.key('apiVersion'), message, `known: ${known}`)
    const raw = plainData(spot.node)
    const head = isRecord(raw) ? this.#head(spot, kind, raw['metadata']) : undefined
    if (!isRecord(raw) || head === undefined || this.#order >= MAX_OBJECTS) return
    const order = this.#order++
    const common = { ...head, apiVersion, createdMs: head.createdMs ?? UNDATED_MS + order, order, spot, raw }
    this.#working.store.refuse({ resource: { ...common, value: undefined }, kind, findings: [message], reason: '' })
  }

  #refuseObject(resource: Resource<undefined>, kind: Kind, issues: readonly core.$ZodIssue[]): void {
    const { diagnostics } = this.#working
    const before = diagnostics.length
    for (const issue of issues) this.#issue(resource.spot, issue)
    const findings = diagnostics.slice(before).map(({ place, message }) => `${place.path}: ${message}`)
    const reason = issues.map(reasonOf).find((each) => each !== '') ?? ''
    this.#working.store.refuse({ resource, kind, findings, reason })
  }

  #head(spot: Spot, kind: Kind, metadata: unknown): Head | undefined {
    const at = spot.key('metadata')
    const fields = isRecord(metadata) ? metadata : {}
    const { name, namespace, creationTimestamp, generation } = fields
    const fail = (field: string, message: string): undefined => {
      this.#error(at.key(field), message)
      return undefined
    }
    if (typeof name !== 'string' || name === '') return fail('name', 'the object needs a name')
    if (name.length > 253 || !isDnsName(name.replaceAll(':', '-')))
      return fail('name', 'is not a name of lower-case letters, digits, "-" and "."')
    if (namespace !== undefined && (typeof namespace !== 'string' || !isDnsName(namespace) || namespace.includes('.')))
      return fail('namespace', 'is not a name of a namespace')
    const createdMs = typeof creationTimestamp === 'string' ? Date.parse(creationTimestamp) : undefined
    if (Number.isNaN(createdMs)) return fail('creationTimestamp', 'is not a time such as 2026-01-31T12:00:00Z')
    return {
      group: kind.group,
      kind: kind.kind,
      namespace: kind.namespaced ? (namespace ?? DEFAULT_NAMESPACE) : '',
      name,
      labels: texts(fields['labels']),
      annotations: texts(fields['annotations']),
      createdMs,
      generation: typeof generation === 'number' ? generation : 1,
    }
  }

  #issue(spot: Spot, issue: core.$ZodIssue): void {
    const [first] = issue.code === 'invalid_union' ? issue.errors : []
    const inner = first?.[0]
    if (inner !== undefined) return this.#issue(atPath(spot, issue.path), inner)
    const at = atPath(spot, issue.path)
    // The sentences of an object's schema, one per field, where the field stands.
    if (issue.code === 'unrecognized_keys')
      for (const [index, message] of issue.message.split('\n').entries())
        this.#error(at.key(issue.keys[index] ?? ''), message)
    else this.#error(at, issueText(issue))
  }

  #error(spot: Spot, message: string, hint?: string): void {
    this.#working.error(spot, message, hint)
  }
}

type Head = Omit<Resource, 'createdMs' | 'apiVersion' | 'order' | 'value' | 'spot' | 'raw'> & {
  readonly createdMs: number | undefined
}

/** Kinds of our groups that are no typing mistakes. '' = it says nothing to a proxy that runs from files. */
const UNSUPPORTED_KINDS: ReadonlyMap<string, string> = new Map([
  ['UDPRoute', 'UDP listeners are configured in the Envoy dialect'],
  ['ListenerSet', 'write its listeners into the Gateway'],
  ['XListenerSet', 'write its listeners into the Gateway'],
  ['XBackendTrafficPolicy', 'retries and sessions are set on HTTPRoute rules'],
  ['XMesh', 'Sluice is no mesh'],
  ['ApplicationLoadBalancer', ''],
  ['WebApplicationFirewallPolicy', 'requests are not inspected'],
])

/** Groups of Kubernetes itself: whole clusters' manifests may be given. */
const isClusterGroup = (group: string): boolean => group === '' || !group.includes('.') || group.endsWith('.k8s.io')

function splitVersion(apiVersion: string): readonly [group: string, version: string] {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}

const textOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' && node.value !== '' ? node.value : undefined

/** Labels and annotations; what is no text is left out. */
const texts = (value: unknown): Readonly<Record<string, string>> =>
  isRecord(value)
    ? Object.fromEntries(
        Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
    : {}

function atPath(spot: Spot, path: readonly PropertyKey[]): Spot {
  return path.reduce((at: Spot, step) => (typeof step === 'number' ? at.at(step) : at.key(String(step))), spot)
}

/** The reason for the condition, where a schema's own rule names one. */
const reasonOf = (issue: core.$ZodIssue): string => {
  const reason: unknown = issue.code === 'custom' ? issue.params?.['reason'] : undefined
  return typeof reason === 'string' ? reason : ''
}

/** The library's sentence in our style. */
function issueText(issue: core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is missing'
  if (issue.code === 'invalid_union') return 'is of no known type'
  if (issue.code === 'custom') return issue.message
  return issue.message
    .replace(/^(?:Invalid (?:input|option): |Too (?:big|small): )/, '')
    .replace(/(?:to be|to have) ?>=/, 'of at least ')
    .replace(/(?:to be|to have) ?<=/, 'of at most ')
    .replaceAll('"|"', '", "')
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
}
