// SETTINGS both ways (RFC 9113 §6.5, RFC 8441 §3): what this side announces, and what the peer did.

import { DEFAULT_TABLE_SIZE } from './hpack/dynamic-table.ts'
import { H2_ERROR, type Http2Role } from './error-code.ts'
import { DEFAULT_WINDOW, MAX_MAX_FRAME_SIZE, MAX_WINDOW, MIN_MAX_FRAME_SIZE, SETTING } from './frame.ts'
import type { FrameFault } from './frame-rules.ts'
import type { Http2Options } from './options.ts'

/** Settings in one frame beyond this are a flood; there are not a dozen that mean anything. */
export const MAX_SETTINGS_PER_FRAME = 64
/** Extra settings of the configuration that are sent. */
const MAX_CUSTOM_SETTINGS = 32

const OWN_IDS: ReadonlySet<number> = new Set(Object.values(SETTING))

/** What this side announces, as id, value, id, value, …; defaults of the RFC are not spelt out. */
export function ownSettings(role: Http2Role, options: Http2Options): number[] {
  const settings: number[] = []
  if (options.hpackTableSize !== DEFAULT_TABLE_SIZE) settings.push(SETTING.headerTableSize, options.hpackTableSize)
  if (role === 'client') settings.push(SETTING.enablePush, 0)
  else settings.push(SETTING.maxConcurrentStreams, options.maxConcurrentStreams)
  if (options.initialStreamWindowSize !== DEFAULT_WINDOW)
    settings.push(SETTING.initialWindowSize, options.initialStreamWindowSize)
  if (options.maxFrameSize !== MIN_MAX_FRAME_SIZE) settings.push(SETTING.maxFrameSize, options.maxFrameSize)
  // §6.5.2 counts 32 bytes for each field; the limit of this side counts fields apart.
  settings.push(SETTING.maxHeaderListSize, options.maxHeaderListBytes + 32 * options.maxHeaders)
  if (role === 'server' && options.allowConnect) settings.push(SETTING.enableConnectProtocol, 1)
  for (const { id, value } of options.customSettings.slice(0, MAX_CUSTOM_SETTINGS)) {
    if (!OWN_IDS.has(id)) settings.push(id, value)
  }
  return settings
}

/** What the peer announced, starting with the RFC's defaults. */
export class PeerSettings {
  headerTableSize = DEFAULT_TABLE_SIZE
  /** Smallest table size of the last frame: a table that shrank and grew is empty (RFC 7541 §4.2). */
  smallestTableSize = DEFAULT_TABLE_SIZE
  /** undefined: no limit was given. */
  maxConcurrentStreams: number | undefined
  initialWindowSize = DEFAULT_WINDOW
  maxFrameSize = MIN_MAX_FRAME_SIZE
  enableConnectProtocol = false
  readonly #role: Http2Role

  /** `role`: this side's. */
  constructor(role: Http2Role) {
    this.#role = role
  }

  /** Takes over one frame's settings, in order; answers the fault that ends the connection. */
  read(payload: Buffer, start: number, end: number): FrameFault | undefined {
    if ((end - start) / 6 > MAX_SETTINGS_PER_FRAME)
      return { code: H2_ERROR.enhanceYourCalm, detail: 'too many settings in a frame' }
    this.smallestTableSize = this.headerTableSize
    for (let at = start; at < end; at += 6) {
      const fault = this.#take(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #take(id: number, value: number): FrameFault | undefined {
    switch (id) {
      case SETTING.headerTableSize:
        this.headerTableSize = value
        this.smallestTableSize = Math.min(this.smallestTableSize, value)
        return undefined
      case SETTING.enablePush:
        // §6.5.2: a server may only say 0.
        return value > (this.#role === 'client' ? 0 : 1) ? fault('ENABLE_PUSH') : undefined
      case SETTING.maxConcurrentStreams:
        this.maxConcurrentStreams = value
        return undefined
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW) return fault('INITIAL_WINDOW_SIZE', H2_ERROR.flowControlError)
        this.initialWindowSize = value
        return undefined
      case SETTING.maxFrameSize:
        if (value < MIN_MAX_FRAME_SIZE || value > MAX_MAX_FRAME_SIZE) return fault('MAX_FRAME_SIZE')
        this.maxFrameSize = value
        return undefined
      case SETTING.enableConnectProtocol:
        // RFC 8441 §3: 0 or 1, and never back to 0.
        if (value > 1 || (value === 0 && this.enableConnectProtocol)) return fault('ENABLE_CONNECT_PROTOCOL')
        this.enableConnectProtocol = value === 1
        return undefined
      default:
        return undefined
    }
  }
}

const fault = (name: string, code: number = H2_ERROR.protocolError): FrameFault => ({
  code,
  detail: `SETTINGS_${name} is not valid`,
})
