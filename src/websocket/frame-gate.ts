// Lets the WebSocket frames of one direction through, and stops before the first that must not pass: one that makes a message
// longer than its limit, or breaks RFC 6455. Nothing is held but a head that came in parts and a Close frame: a frame that is
// refused is refused at its head, and nothing of it has gone on. Then, and only between two frames, the proxy's own Close goes.

import { Buffer } from 'node:buffer'
import { isSendableCloseCode } from './close-code.ts'
import {
  FRAME_HEAD_BYTES,
  frameHeadLength,
  frameLengthIsMinimal,
  frameMaskAt,
  framePayloadLength,
} from './frame-head.ts'

const CLOSE = 8
const PONG = 10
/** RFC 6455 §5.5: payload of a control frame. */
const CONTROL_BYTES = 125

/** Takes bytes; a ByteStream is one. False = stop until it drains. */
export interface FrameTarget {
  write(buffer: Uint8Array, start: number, end: number): boolean
}

export interface FrameRules {
  /** Payload bytes of one message, as on the wire; undefined = any. */
  readonly maxMessage: number | undefined
  /** A client's frames are masked, a server's are not (RFC 6455 §5.1). */
  readonly masked: boolean
  /** The peers agreed on an extension: reserved bits may be its own. */
  readonly extensions: boolean
}

/** Why a direction was stopped. `why` completes "a frame that …". */
export type FrameFault =
  { readonly kind: 'too-big'; readonly limit: number } | { readonly kind: 'invalid'; readonly why: string }

/** Hears what a gate finds, within `pass`. */
export interface GateOwner {
  /** Nothing more of the peer's passes; the owner has both gates part. */
  onFault(gate: FrameGate, fault: FrameFault): void
  /** The peer's Close came; it has passed unless something went before it. */
  onPeerClosed(gate: FrameGate): void
}

export class FrameGate {
  readonly #rules: FrameRules
  readonly #target: FrameTarget
  readonly #owner: GateOwner
  #peerClosed = false
  /** Nothing passes any more: a Close went this way. Frames are still followed, for the peer's own Close. */
  #shut = false
  /** The bytes cannot be told apart any more. */
  #lost = false
  /** The frame under way has begun to pass, so nothing else can go this way before its end. */
  #inFrame = false
  /** The proxy's Close, while it waits for that end. */
  #parting: Buffer | undefined
  /** Payload bytes of the current frame that are still to come. */
  #remaining = 0
  #opcode = 0
  #fin = true
  /** Payload bytes of the message under way; -1 = none is. */
  #message = -1
  /** A head as far as it has come, and behind it the payload of a Close. */
  readonly #held = Buffer.alloc(FRAME_HEAD_BYTES + CONTROL_BYTES)
  #heldLength = 0
  #room = true

  constructor(rules: FrameRules, target: FrameTarget, owner: GateOwner) {
    this.#rules = rules
    this.#target = target
    this.#owner = owner
  }

  /** Nothing more is to be learnt of the peer: its Close has come, or what it sends makes no sense. */
  get settled(): boolean {
    return this.#peerClosed || this.#lost
  }

  /** Bytes `buffer[start, end)` came: writes what may go on. False = stop until the target drains. */
  pass(buffer: Uint8Array, start: number, end: number): boolean {
    this.#room = true
    let at = start
    // What may pass and is not written yet begins here: frames that lie side by side go in one write.
    let run = start
    while (at < end && !this.settled) {
      if (this.#remaining > 0) {
        at = this.#skip(buffer, at, end)
        if (this.#opcode === CLOSE) run = at
        if (this.#remaining > 0) continue
        if (this.#parting !== undefined) {
          this.#write(buffer, run, at)
          run = at
        }
        this.#endFrame()
        continue
      }
      const before = this.#heldLength
      const headAt = at
      at = this.#gather(buffer, at, end)
      if (!this.#headIsWhole()) {
        this.#write(buffer, run, headAt)
        return this.#room
      }
      const fault = this.#read()
      if (fault !== undefined || this.#opcode === CLOSE) {
        this.#write(buffer, run, headAt)
        run = at
      } else if (before > 0) this.#write(this.#held, 0, before)
      this.#begin(fault)
    }
    if (!this.settled) this.#write(buffer, run, end)
    return this.#room
  }

  /** Says the last word this way: at once, or behind the frame that is passing. Of no effect behind another Close. */
  part(frame: Buffer): void {
    if (this.#shut) return
    if (this.#inFrame) this.#parting = frame
    else this.#say(frame)
  }

  #say(frame: Buffer): void {
    this.#parting = undefined
    this.#write(frame, 0, frame.length)
    this.#shut = true
  }

  #write(buffer: Uint8Array, start: number, end: number): void {
    if (!this.#shut && start < end && !this.#target.write(buffer, start, end)) this.#room = false
  }

  /** Payload, or what is there of it. */
  #skip(buffer: Uint8Array, at: number, end: number): number {
    const count = Math.min(this.#remaining, end - at)
    if (this.#opcode === CLOSE) {
      this.#held.set(buffer.subarray(at, at + count), this.#heldLength)
      this.#heldLength += count
    }
    this.#remaining -= count
    return at + count
  }

  #gather(buffer: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && !this.#headIsWhole()) this.#held[this.#heldLength++] = buffer[at++] ?? 0
    return at
  }

  #headIsWhole(): boolean {
    return frameHeadLength(this.#held, 0, this.#heldLength) <= this.#heldLength
  }

  /** Takes over what the head says; answers why the frame must not pass. */
  #read(): FrameFault | undefined {
    const first = this.#held[0] ?? 0
    const length = framePayloadLength(this.#held, 0)
    const opcode = first & 0x0f
    const fault = this.#shut ? undefined : this.#faultOf(opcode, length)
    this.#opcode = opcode
    this.#fin = first >= 0x80
    this.#remaining = length
    if (opcode < CLOSE) this.#message = length + (opcode === 0 ? Math.max(0, this.#message) : 0)
    // Only ever of frames that do not pass: there is no telling where such a one ends, or it must not be kept.
    if (length < 0 || length > Number.MAX_SAFE_INTEGER || (opcode === CLOSE && length > CONTROL_BYTES))
      this.#lost = true
    return fault
  }

  #begin(fault: FrameFault | undefined): void {
    if (this.#opcode !== CLOSE) this.#heldLength = 0
    if (fault !== undefined) this.#fail(fault)
    else this.#inFrame = !this.#shut && this.#opcode !== CLOSE
    if (this.#remaining === 0) this.#endFrame()
  }

  #endFrame(): void {
    this.#inFrame = false
    if (this.#opcode === CLOSE) return this.#endClose()
    if (this.#opcode < CLOSE && this.#fin) this.#message = -1
    if (this.#parting !== undefined) this.#say(this.#parting)
  }

  #endClose(): void {
    const fault = this.#shut ? undefined : this.#closeFault()
    if (fault !== undefined) return this.#fail(fault)
    this.#write(this.#held, 0, this.#heldLength)
    this.#heldLength = 0
    this.#peerClosed = true
    this.#shut = true
    this.#owner.onPeerClosed(this)
  }

  #fail(fault: FrameFault): void {
    if (fault.kind === 'invalid') this.#lost = true
    this.#owner.onFault(this, fault)
    this.#shut = true
  }

  #faultOf(opcode: number, length: number): FrameFault | undefined {
    const { masked, extensions, maxMessage } = this.#rules
    const first = this.#held[0] ?? 0
    if ((first & 0x70) !== 0 && !extensions) return invalid('has reserved bits set, and no extension was agreed on')
    if ((this.#held[1] ?? 0) >= 0x80 !== masked) return invalid(masked ? 'is not masked' : 'is masked')
    if (length < 0) return invalid('announces an impossible length')
    if (!frameLengthIsMinimal(this.#held, 0, length)) return invalid('announces its length in more bytes than it needs')
    if (opcode >= CLOSE) return controlFault(opcode, first >= 0x80, length)
    if (opcode > 2) return invalid(`has the reserved opcode ${opcode}`)
    if (opcode === 0 && this.#message < 0) return invalid('continues no message')
    if (opcode !== 0 && this.#message >= 0) return invalid('begins a message within another one')
    const message = length + Math.max(0, this.#message)
    if (maxMessage !== undefined && message > maxMessage) return { kind: 'too-big', limit: maxMessage }
    return length > Number.MAX_SAFE_INTEGER ? invalid('announces an impossible length') : undefined
  }

  /** RFC 6455 §7.4.1: some codes only ever stand for what did not happen on the wire. */
  #closeFault(): FrameFault | undefined {
    const at = frameHeadLength(this.#held, 0, this.#heldLength)
    if (this.#heldLength < at + 2) return undefined
    const mask = this.#rules.masked ? frameMaskAt(this.#held, 0) : undefined
    const byte = (i: number): number =>
      (this.#held[at + i] ?? 0) ^ (mask === undefined ? 0 : (this.#held[mask + i] ?? 0))
    const code = byte(0) * 256 + byte(1)
    return isSendableCloseCode(code) ? undefined : invalid(`closes with code ${code}, which must not be sent`)
  }
}

/** RFC 6455 §5.5. */
function controlFault(opcode: number, fin: boolean, length: number): FrameFault | undefined {
  if (opcode > PONG) return invalid(`has the reserved opcode ${opcode}`)
  if (!fin) return invalid('is a control frame in fragments')
  if (length > CONTROL_BYTES) return invalid('is a control frame of more than 125 bytes')
  return opcode === CLOSE && length === 1 ? invalid('closes with half a code') : undefined
}

const invalid = (why: string): FrameFault => ({ kind: 'invalid', why })
