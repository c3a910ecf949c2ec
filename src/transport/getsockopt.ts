// The C library's getsockopt by way of `node:ffi`, which is experimental and not in every runtime: looked for when a
// configuration needs it, never otherwise.

import type { Buffer } from 'node:buffer'

/** `getsockopt(2)`: answers 0, or -1 when it failed. `length` is a 32-bit number in the machine's byte order. */
export type Getsockopt = (descriptor: number, level: number, option: number, value: Buffer, length: Buffer) => number

/** The function, or a sentence on why there is none. */
export function findGetsockopt(): Getsockopt | string {
  const ffi: unknown = builtin('node:ffi')
  const dlopen: unknown = Object(ffi).dlopen
  if (typeof dlopen !== 'function')
    return `this runtime (Node ${process.version}) has no node:ffi to ask the system with`
  try {
    const library: unknown = Reflect.apply(dlopen, ffi, [null, { getsockopt: SIGNATURE }])
    const call: unknown = Object(Object(library).functions).getsockopt
    if (typeof call !== 'function') return 'node:ffi gives no getsockopt'
    return (...args) => Number(Reflect.apply(call, undefined, args))
  } catch (error) {
    return `node:ffi cannot find getsockopt: ${error instanceof Error ? error.message : String(error)}`
  }
}

const SIGNATURE = { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' }

/** Node's own modules by name; the function is newer than the oldest Node that is supported. */
function builtin(name: string): unknown {
  const getBuiltinModule: unknown = Reflect.get(process, 'getBuiltinModule')
  return typeof getBuiltinModule === 'function' ? Reflect.apply(getBuiltinModule, process, [name]) : undefined
}
