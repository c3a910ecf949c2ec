// The runtime's own socket handles, one level under `net.Socket`: a third less CPU per connection and half the memory.
// They are internal to Node, so every part is looked for once and nothing here is used when one is missing.

import type { Buffer } from 'node:buffer'

/** A TCP or pipe handle. Functions answer 0 or a negative errno. */
export interface LibuvHandle {
  onread: ((this: LibuvHandle) => Buffer | undefined) | undefined
  readonly writeQueueSize: number
  /** The socket's descriptor; negative when it is closed. */
  readonly fd?: number
  /** The wire on this handle; a property of our own. */
  sluiceWire?: unknown
  useUserBuffer(buffer: Buffer): void
  readStart(): number
  readStop(): number
  writeBuffer(request: LibuvRequest, buffer: Uint8Array): number
  shutdown(request: LibuvRequest): number
  close(done?: () => void): void
  unref(): void
  /** TCP only, as is all that follows but `connect` and `bind`. */
  reset?(done: () => void): number
  getsockname?(out: { address?: string; port?: number }): number
  getpeername?(out: { address?: string; port?: number }): number
  setNoDelay?(on: boolean): number
  setKeepAlive?(on: boolean, delaySeconds: number): number
  bind?(address: string, port: number): number
  bind6?(address: string, port: number, flags: number): number
  connect?(request: LibuvRequest, address: string, port?: number): number
  connect6?(request: LibuvRequest, address: string, port: number): number
}

/** A write, shutdown or connect under way. */
export interface LibuvRequest {
  oncomplete?: ((this: LibuvRequest, status: number) => void) | undefined
  /** What the request belongs to; a property of our own. */
  sluiceOwner?: unknown
}

/** The parts of the runtime that are used. `state` holds the results of the last call. */
export interface LibuvParts {
  readonly TCP: new (type: number) => LibuvHandle
  readonly Pipe: new (type: number) => LibuvHandle
  readonly socketType: number
  readonly WriteWrap: new () => LibuvRequest
  readonly ShutdownWrap: new () => LibuvRequest
  readonly TCPConnectWrap: new () => LibuvRequest
  readonly PipeConnectWrap: new () => LibuvRequest
  readonly state: Int32Array
  readonly readResultIndex: number
  readonly wasAsyncIndex: number
}

/** libuv's UV_EOF. */
export const END_OF_FILE = -4095

/** What a handle must be able to do. */
const METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeBuffer',
  'shutdown',
  'close',
  'unref',
  'connect',
  'bind',
]

/** The parts, or undefined where this runtime does not have them all. `SLUICE_SOCKET_ENGINE=net` hides them. */
export const libuv: LibuvParts | undefined = process.env['SLUICE_SOCKET_ENGINE'] === 'net' ? undefined : findParts()

function findParts(): LibuvParts | undefined {
  try {
    const tcp = binding('tcp_wrap')
    const pipe = binding('pipe_wrap')
    const stream = binding('stream_wrap')
    const parts = {
      ...{
        TCP: tcp['TCP'],
        TCPConnectWrap: tcp['TCPConnectWrap'],
        Pipe: pipe['Pipe'],
        PipeConnectWrap: pipe['PipeConnectWrap'],
      },
      ...{ WriteWrap: stream['WriteWrap'], ShutdownWrap: stream['ShutdownWrap'], state: stream['streamBaseState'] },
      socketType: Object(tcp['constants'])['SOCKET'],
      readResultIndex: stream['kReadBytesOrError'],
      wasAsyncIndex: stream['kLastWriteWasAsync'],
    }
    return isComplete(parts) ? parts : undefined
  } catch {
    return undefined
  }
}

/** `process.binding` is deprecated but has no successor for this; Node answers an allow-listed internal module. */
function binding(name: string): Record<string, unknown> {
  const loader: unknown = Reflect.get(process, 'binding')
  const found: unknown = typeof loader === 'function' ? Reflect.apply(loader, process, [name]) : undefined
  return Object(found)
}

// The one place where the runtime's internals get a type: everything that is called later is looked for here.
function isComplete(parts: Record<string, unknown>): parts is Record<string, unknown> & LibuvParts {
  for (const name of ['TCP', 'Pipe', 'WriteWrap', 'ShutdownWrap', 'TCPConnectWrap', 'PipeConnectWrap']) {
    if (typeof parts[name] !== 'function') return false
  }
  for (const name of ['socketType', 'readResultIndex', 'wasAsyncIndex']) {
    if (typeof parts[name] !== 'number') return false
  }
  return parts['state'] instanceof Int32Array && hasMethods(parts['TCP']) && hasMethods(parts['Pipe'])
}

function hasMethods(constructor: unknown): boolean {
  const prototype: unknown = Object(constructor).prototype
  const names = Object(prototype)
  return METHODS.every((name) => typeof names[name] === 'function') && 'writeQueueSize' in names && 'onread' in names
}
