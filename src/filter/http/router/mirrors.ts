// The mirrors of one request: which there are, and the head that each of them gets. A mirrored request is sent once, when
// the client's is complete, whatever becomes of that. Tunnels are never mirrored. Envoy: request_mirror_policies.

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { MirrorPolicy } from '../../../config/model/retry.ts'
import { evaluate } from '../../../format/evaluate.ts'
import { isAuthority, portStart } from '../../../route/authority.ts'
import { applyMutations } from '../../../route/header-mutations.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import type { TerminalSink } from '../../http-filter.ts'
import { MirroredRequest } from './mirrored-request.ts'
import type { Destination } from './prepare-request.ts'
import type { RouterTools } from './router-tools.ts'
import type { WholeBody } from './upstream-body.ts'

interface Mirror {
  readonly upstream: ClusterUpstream
  readonly head: RequestHead
}

const NO_BODY: WholeBody = { pieces: [], trailers: undefined }

export class Mirrors {
  readonly #mirrors: readonly Mirror[]
  readonly #limitMs: number | undefined
  readonly #tools: RouterTools

  constructor(mirrors: readonly Mirror[], limitMs: number | undefined, tools: RouterTools) {
    this.#mirrors = mirrors
    this.#limitMs = limitMs
    this.#tools = tools
  }

  /** Sends a copy to each; to be called once. */
  send(body: WholeBody = NO_BODY): void {
    for (const { upstream, head } of this.#mirrors) {
      new MirroredRequest({ upstream, head, body, limitMs: this.#limitMs, tools: this.#tools }).start()
    }
  }
}

/** The mirrors of a request whose head is ready to go up; undefined when it has none. */
export function chooseMirrors(
  head: RequestHead,
  destination: Destination,
  sink: TerminalSink,
  tools: RouterTools,
): Mirrors | undefined {
  const policies = policiesOf(destination)
  if (policies.length === 0 || head.tunnel !== undefined) return undefined
  const mirrors: Mirror[] = []
  for (const policy of policies) {
    const upstream =
      policy.fraction >= 1 || tools.random() < policy.fraction ? clusterOf(policy, head, tools) : undefined
    if (upstream !== undefined) mirrors.push({ upstream, head: mirroredHead(head, policy, sink) })
  }
  return mirrors.length === 0 ? undefined : new Mirrors(mirrors, destination.timeoutMs, tools)
}

const NONE: readonly MirrorPolicy[] = []

function policiesOf({ upstream, member, rewrite }: Destination): readonly MirrorPolicy[] {
  const { mirrors: ofCluster = NONE } = upstream.cluster
  if (ofCluster.length > 0) return ofCluster
  const { mirrors: ofRoute = NONE } = rewrite.action
  const ofMember = member?.mirrors ?? NONE
  return ofMember.length === 0 ? ofRoute : [...ofRoute, ...ofMember]
}

/** A mirror that leads nowhere is no concern of the client's. */
function clusterOf({ cluster }: MirrorPolicy, head: RequestHead, tools: RouterTools): ClusterUpstream | undefined {
  const name = cluster.kind === 'cluster' ? cluster.name : (head.headers.get(cluster.name) ?? '')
  return name === '' ? undefined : tools.cluster(name)
}

function mirroredHead(head: RequestHead, policy: MirrorPolicy, { facts }: TerminalSink): RequestHead {
  const copy = { ...head, headers: head.headers.clone() }
  // Nobody waits for a 100 before the body is sent.
  copy.headers.remove('expect')
  if (policy.hostRewrite !== '' && isAuthority(policy.hostRewrite)) copy.authority = policy.hostRewrite
  if (policy.shadowSuffix) copy.authority = withSuffix(copy.authority)
  applyMutations(copy.headers, [policy.mutations], (template) => evaluate(template, facts))
  return copy
}

/** `-shadow` behind the host, before the port. An address in brackets stays one. */
function withSuffix(authority: string): string {
  if (authority === '' || authority.startsWith('[')) return authority
  const colon = portStart(authority)
  return colon < 0 ? `${authority}-shadow` : `${authority.slice(0, colon)}-shadow${authority.slice(colon)}`
}
