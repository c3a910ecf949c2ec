// Watches both directions of a WebSocket tunnel for messages that are too long and frames that are none. The first that is
// found ends the tunnel: whoever sent it gets a Close that says why (1009 or 1002), the other side gets one with 1001, and
// nothing else of either passes any more (RFC 6455 §7.1.7). Decision: 1001 and not the offender's code, because the other side did
// nothing wrong and must not take its own messages for the cause.

import { placeHint, type Place } from '../config/model/place.ts'
import { closeFrame } from './close-frame.ts'
import { FrameGate, type FrameFault, type FrameTarget, type GateOwner } from './frame-gate.ts'

/** What the frames of one tunnel must keep to. */
export interface TunnelFrameRules {
  /** Payload bytes of one message, as on the wire; undefined = any. */
  readonly maxMessageFromClient: number | undefined
  readonly maxMessageFromServer: number | undefined
  /** The peers agreed on an extension. */
  readonly extensions: boolean
  /** Where the limits were set. */
  readonly place: Place
}

/** Who broke which rule, and what it was told. */
export interface Verdict {
  readonly by: 'client' | 'upstream'
  readonly code: 'message_too_big' | 'websocket_frame_invalid'
  readonly closeCode: 1009 | 1002
  readonly reason: string
}

export interface GuardOwner {
  /** The Close frames are sent, or wait for the end of a frame that is passing. */
  onVerdict(verdict: Verdict): void
  /** After that: neither side has anything left to say. */
  onSettled(): void
}

export class FrameGuard implements GateOwner {
  readonly fromClient: FrameGate
  readonly fromUpstream: FrameGate
  readonly #rules: TunnelFrameRules
  readonly #owner: GuardOwner
  #verdict: Verdict | undefined

  constructor(rules: TunnelFrameRules, client: FrameTarget, upstream: FrameTarget, owner: GuardOwner) {
    const { extensions, maxMessageFromClient, maxMessageFromServer } = rules
    this.#rules = rules
    this.#owner = owner
    this.fromClient = new FrameGate({ maxMessage: maxMessageFromClient, masked: true, extensions }, upstream, this)
    this.fromUpstream = new FrameGate({ maxMessage: maxMessageFromServer, masked: false, extensions }, client, this)
  }

  /** The first verdict; undefined while all is well. */
  get verdict(): Verdict | undefined {
    return this.#verdict
  }

  onFault(gate: FrameGate, fault: FrameFault): void {
    if (this.#verdict !== undefined) return
    const by = gate === this.fromClient ? 'client' : 'upstream'
    const reason = this.#reason(by, fault)
    const verdict: Verdict =
      fault.kind === 'too-big'
        ? { by, code: 'message_too_big', closeCode: 1009, reason }
        : { by, code: 'websocket_frame_invalid', closeCode: 1002, reason }
    this.#verdict = verdict
    const told = { client: 1001, upstream: 1001, [by]: verdict.closeCode }
    this.fromClient.part(closeFrame(told.upstream, reason, true))
    this.fromUpstream.part(closeFrame(told.client, reason, false))
    this.#owner.onVerdict(verdict)
    this.#settle()
  }

  onPeerClosed(): void {
    this.#settle()
  }

  #settle(): void {
    if (this.#verdict !== undefined && this.fromClient.settled && this.fromUpstream.settled) this.#owner.onSettled()
  }

  /** For both sides and the log; what is cut off at 123 bytes for a Close frame is the end of it. */
  #reason(by: 'client' | 'upstream', fault: FrameFault): string {
    const who = by === 'client' ? 'client' : 'server'
    if (fault.kind === 'invalid') return `the ${who} sent a frame that ${fault.why}`
    return `message of the ${who} exceeds ${fault.limit} bytes (${placeHint(this.#rules.place)})`
  }
}
