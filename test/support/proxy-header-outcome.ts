// What the PROXY protocol reader made of some bytes, in the words of the golden corpus.

import type { ProxyEndpoints, ProxyHeaderResult } from '../../src/codec/proxy-protocol/header.ts'

export function proxyHeaderOutcome(result: ProxyHeaderResult): readonly string[] {
  switch (result.kind) {
    case 'absent':
      return ['absent']
    case 'incomplete':
      return [`incomplete ${result.version ?? '-'} ${result.wanted}`]
    case 'malformed':
      return [`malformed ${result.version} ${result.reason}`]
    case 'header': {
      const { version, endpoints, tlvs } = result.header
      const values = tlvs.map(({ type, value }) => `tlv ${type} ${value.toString('hex') || '-'}`)
      return [`header ${version} ${ends(endpoints)}`, ...values, `length ${result.length}`]
    }
  }
}

function ends(endpoints: ProxyEndpoints): string {
  switch (endpoints.kind) {
    case 'local':
    case 'unspecified':
      return endpoints.kind
    case 'unix':
      return `unix ${endpoints.transport} ${endpoints.source.text} ${endpoints.destination.text || '\\s'}`.replace(
        / \\s$/,
        '\\s',
      )
    case 'ip':
      return `${endpoints.transport} ${endpoints.source.text} ${endpoints.destination.text}`
  }
}
