// The same conformance on `net.Socket`, as where the runtime's handles cannot be used. A file of its own: the choice is
// made once per process, when the module loads.

import { after } from 'node:test'

process.env['SLUICE_SOCKET_ENGINE'] = 'net'
after(() => delete process.env['SLUICE_SOCKET_ENGINE'])

const { byteStreamConformance } = await import('../../conformance/byte-stream.ts')
const { pipePair, tcpPair } = await import('./socket-pairs.ts')
const { libuv } = await import('../../../src/transport/libuv-handle.ts')

if (libuv !== undefined) throw new Error('the handles are still in use')

byteStreamConformance('tcp on net.Socket', () => tcpPair())
byteStreamConformance('pipe on net.Socket', () => pipePair(), { carriesReset: false })
