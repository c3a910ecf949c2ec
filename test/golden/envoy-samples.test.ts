// Loads the sample configurations that Envoy users start from. Each either loads or is refused for features that later
// work brings, and for nothing else.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadEnvoy } from '../../src/config/envoy/index.ts'

const folder = join(import.meta.dirname, '../../../shared/envoy-configs')

/** Findings of each sample: the last steps of the path, or the type, that is not supported yet. Empty = it loads. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'encapsulate_http_in_http2_connect.yaml': [],
  'encapsulate_in_http1_connect.yaml': [],
  'encapsulate_in_http2_connect.yaml': [],
  'encapsulate_in_http2_post.yaml': [],
  'envoyproxy_io_proxy.yaml': [],
  'envoyproxy_io_proxy_http3_downstream.yaml': ['quic_options', 'HTTP3', 'QuicDownstreamTransport', 'certs', 'certs'],
  'google_com_auto_http3_upstream_proxy.yaml': [
    'FilterConfig',
    'http3_protocol_options',
    'alternate_protocols_cache_options',
    'QuicUpstreamTransport',
  ],
  'google_com_http3_upstream_proxy.yaml': ['http3_protocol_options', 'QuicUpstreamTransport'],
  'internal_listener_proxy.yaml': [],
  'proxy_connect.yaml': [],
  'proxy_connect_udp_http3_downstream.yaml': [
    'quic_options',
    'QuicDownstreamTransport',
    'HTTP3',
    'http3_protocol_options',
    'http3_protocol_options',
    'QuicUpstreamTransport',
  ],
  'proxy_protocol.yaml': [],
  'raw_udp_tunneling_http2.yaml': [],
  'terminate_http1_connect.yaml': [],
  'terminate_http2_connect.yaml': [],
  'terminate_http2_post.yaml': [],
  'terminate_http3_connect_udp.yaml': ['quic_options', 'QuicDownstreamTransport', 'HTTP3', 'http3_protocol_options'],
  'terminate_http3_connect_udp_dns_resolution.yaml': [
    'quic_options',
    'QuicDownstreamTransport',
    'HTTP3',
    'http3_protocol_options',
  ],
  'terminate_http_in_http2_connect.yaml': [],
  'websocket-envoy-ws-route.yaml': [],
  'websocket-envoy-ws.yaml': [],
  'websocket-envoy-wss-passthrough.yaml': [],
}

if (!existsSync(folder)) {
  test(
    'the samples of Envoy load or are refused for later features',
    { skip: 'the folder of samples is not here' },
    () => {},
  )
} else {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    test(`${file} loads or is refused for later features only`, async () => {
      const { config, diagnostics } = await loadEnvoy([{ kind: 'file', path: join(folder, file) }])
      const errors = diagnostics
        .filter((diagnostic) => diagnostic.severity === 'error')
        .map((d) => `${d.place.path}: ${d.message}`)
      assert.deepEqual(
        errors.filter((error) => !LATER.test(error)),
        [],
      )
      assert.equal(config !== undefined, errors.length === 0)
      const expected = EXPECTED[file]
      assert.ok(expected !== undefined, 'the sample is listed')
      assert.equal(expected.length === 0, config !== undefined, errors.join('\n'))
      for (const word of expected)
        assert.ok(
          errors.some((error) => error.includes(word)),
          `${word} in:\n${errors.join('\n')}`,
        )
    })
  }
}

/** What may stand between a sample and running: features of later work, and certificates that the sample only names. */
const LATER = /known to Envoy but not supported by Sluice yet|certs\/\w+\.pem/
