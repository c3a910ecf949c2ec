// Envoy's own example files do their job, in the pairs that Envoy's documents describe, with curl, `ws` and plain sockets at
// the ends. Only addresses differ from the files.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Authority, authority } from '../support/certificates.ts'
import { startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, type YamlMap } from '../support/envoy-config.ts'
import { freePorts, runForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { sample } from '../support/sample-config.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { until, within } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

let ca: Authority
let origin: { readonly port: number; readonly hosts: string[]; stop(): Promise<void> }
let target: TcpTarget

before(async () => {
  ca = await authority()
  origin = await startOrigin()
  target = await startTcpTarget()
})

after(async () => {
  await origin.stop()
  await target.stop()
  await nothingLeft()
})

/** An HTTPS site; it stands for www.google.com and www.envoyproxy.io. */
async function startOrigin(): Promise<typeof origin> {
  const leaf = await ca.issue({ name: 'host.com', dns: ['host.com'] })
  const hosts: string[] = []
  const server = createHttpsServer({ key: leaf.key, cert: leaf.certificate }, (request, response) => {
    hosts.push(request.headers.host ?? '')
    response.end(`origin ${request.url}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    hosts,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Starts the files from the innermost to the outermost, and stops them in turn. */
async function running(configs: readonly YamlMap[], use: (proxies: readonly ProxyProcess[]) => Promise<void>) {
  const proxies: ProxyProcess[] = []
  try {
    for (const config of configs) proxies.push(await startProxy(config))
    await use(proxies)
  } finally {
    for (const proxy of proxies.reverse()) await proxy.stop()
  }
}

/** curl asks the HTTPS origin through a port that forwards TCP. */
async function fetchThrough(port: number): Promise<void> {
  const args = ['-sS', '--max-time', '10', '--cacert', ca.certificateFile]
  const { code, output } = await runForeign('curl', [
    ...args,
    '--connect-to',
    `host.com:443:127.0.0.1:${port}`,
    'https://host.com/through',
  ])
  assert.deepEqual({ code, output }, { code: 0, output: 'origin /through' })
}

async function echoes(port: number): Promise<void> {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const far = await target.next()
  far.pipe(far)
  client.end('hello')
  assert.equal(await within(text(client), 'the echo'), 'hello')
}

async function text(socket: Socket): Promise<string> {
  let all = ''
  for await (const chunk of socket) all += String(chunk)
  return all
}

describe('TCP wrapped into HTTP, and unwrapped', () => {
  test('encapsulate_in_http1_connect → terminate_http1_connect', async () => {
    const { l1, l1b, l2 } = await freePorts('l1', 'l1b', 'l2')
    const inner = sample('terminate_http1_connect', { ports: { 10001: l2, 443: origin.port } })
    const outer = sample('encapsulate_in_http1_connect', {
      ports: { 10000: l1, 10002: l1b, 10001: l2 },
      texts: { '127.0.0.1:10003': `127.0.0.1:${target.port}` },
    })
    await running([inner, outer], async ([back]) => {
      await fetchThrough(l1)
      // The second listener adds `foo: bar`, and the other route dials what the CONNECT names.
      await echoes(l1b)
      assert.equal(await back?.stat('cluster.local_original_dst.upstream_cx_total'), 1)
    })
  })

  test('encapsulate_in_http2_connect → terminate_http2_connect', async () => {
    const { l1, l2 } = await freePorts('l1', 'l2')
    const inner = sample('terminate_http2_connect', { ports: { 10001: l2, 443: origin.port } })
    const outer = sample('encapsulate_in_http2_connect', { ports: { 10000: l1, 10001: l2 } })
    await running([inner, outer], async ([back]) => {
      await fetchThrough(l1)
      await fetchThrough(l1)
      assert.equal(await back?.stat('http.ingress_http.downstream_cx_http2_total'), 1, 'tunnels share a connection')
    })
  })

  test('encapsulate_in_http2_connect → proxy_connect → terminate_http2_connect', async () => {
    const { l1, l2, l3 } = await freePorts('l1', 'l2', 'l3')
    const inner = sample('terminate_http2_connect', { ports: { 10001: l3, 443: origin.port } })
    const middle = sample('proxy_connect', { ports: { 10001: l2, 10002: l3 } })
    const outer = sample('encapsulate_in_http2_connect', { ports: { 10000: l1, 10001: l2 } })
    await running([inner, middle, outer], () => fetchThrough(l1))
  })

  test('encapsulate_in_http2_post → terminate_http2_post', async () => {
    const { l1, l2 } = await freePorts('l1', 'l2')
    const inner = sample('terminate_http2_post', { ports: { 10001: l2, 443: origin.port } })
    const outer = sample('encapsulate_in_http2_post', { ports: { 10000: l1, 10001: l2 } })
    await running([inner, outer], () => fetchThrough(l1))
  })

  test('curl’s own CONNECT over HTTP/1.1: proxy_connect and both terminating files', async () => {
    const { l2, l3 } = await freePorts('l2', 'l3')
    const inner = sample('terminate_http2_connect', { ports: { 10001: l3, 443: origin.port } })
    const middle = sample('proxy_connect', { ports: { 10001: l2, 10002: l3 } })
    await running([inner, middle], async () => {
      for (const port of [l2, l3]) {
        const { code, output } = await runForeign('curl', [
          ...['-sS', '--max-time', '10', '--cacert', ca.certificateFile, '-x', `http://127.0.0.1:${port}`],
          'https://host.com/by-curl',
        ])
        assert.deepEqual({ code, output }, { code: 0, output: 'origin /by-curl' })
      }
    })
  })
})

describe('internal listeners', () => {
  test('encapsulate_http_in_http2_connect → terminate_http_in_http2_connect', async () => {
    const { l1, l2 } = await freePorts('l1', 'l2')
    const inner = sample('terminate_http_in_http2_connect', { ports: { 10001: l2 } })
    const outer = sample('encapsulate_http_in_http2_connect', { ports: { 10000: l1, 10001: l2 } })
    await running([inner, outer], async () => {
      const { code, output } = await runForeign('curl', ['-sS', '--max-time', '10', `http://127.0.0.1:${l1}/`])
      assert.deepEqual({ code, output }, { code: 0, output: 'Hello, world!\n' })
    })
  })

  test('internal_listener_proxy', async () => {
    const { ingress } = await freePorts('ingress')
    const config = sample('internal_listener_proxy', { ports: { 9999: ingress, 10000: target.port } })
    await running([config], async ([proxy]) => {
      await echoes(ingress)
      await proxy?.statBecomes('tcp.encap.downstream_cx_total', 1)
    })
  })
})

describe('plain requests', () => {
  test('envoyproxy_io_proxy', async () => {
    const { front } = await freePorts('front')
    const config = sample('envoyproxy_io_proxy', { ports: { 10000: front, 443: origin.port } })
    await running([config], async () => {
      const { code, output } = await runForeign('curl', ['-sS', '--max-time', '10', `http://127.0.0.1:${front}/docs`])
      assert.deepEqual({ code, output }, { code: 0, output: 'origin /docs' })
      assert.equal(origin.hosts.at(-1), 'www.envoyproxy.io')
    })
  })

  test('proxy_protocol', async () => {
    const { front } = await freePorts('front')
    const config = sample('proxy_protocol', { ports: { 10000: front, 8080: target.port } })
    await running([config], async () => {
      const { code, output } = await runForeign('curl', ['-sS', '--max-time', '10', `http://127.0.0.1:${front}/`])
      assert.deepEqual({ code, output }, { code: 0, output: 'OK' })
    })
  })
})

describe('WebSockets', () => {
  for (const file of ['websocket-envoy-ws', 'websocket-envoy-ws-route']) {
    test(file, async () => {
      const app = await startEchoApp()
      const { front } = await freePorts('front')
      await running([sample(file, { ports: { 10000: front, 80: app.port } })], async () => {
        const client = await webSocket({ protocol: 'http1', port: front, path: '/ws' })
        client.socket.send('hello')
        assert.equal(String((await client.next()).data), 'hello')
        await client.close()
      })
      await app.stop()
    })
  }

  test('websocket-envoy-wss-passthrough', async () => {
    const app = await startEchoApp({ tls: await ca.issue({ name: 'localhost' }) })
    const { front } = await freePorts('front')
    await running([sample('websocket-envoy-wss-passthrough', { ports: { 10000: front, 443: app.port } })], async () => {
      const client = await webSocket({ protocol: 'http1', port: front, path: '/', ca: ca.certificate })
      client.socket.send('hello')
      assert.equal(String((await client.next()).data), 'hello')
      await client.close()
    })
    await app.stop()
  })
})

test('raw_udp_tunneling_http2 carries datagrams to a CONNECT-UDP that ends here', async () => {
  const echo = createSocket('udp4')
  echo.on('message', (message, { port, address }) => echo.send(message, port, address))
  echo.bind(0, '127.0.0.1')
  await once(echo, 'listening')
  const { l1, l2 } = await freePorts('l1', 'l2')
  const udp = {
    match: { connect_matcher: {} },
    route: { cluster: 'echo', upgrade_configs: [{ upgrade_type: 'CONNECT-UDP', connect_config: {} }] },
  }
  const inner = bootstrap(
    [listener({ name: 'l2', port: l2, codec: 'HTTP2', upgrades: [], routes: [udp] })],
    [cluster({ name: 'echo', port: echo.address().port })],
  )
  const outer = sample('raw_udp_tunneling_http2', { ports: { 10000: l1, 10001: l2 } })
  const client = createSocket('udp4')
  try {
    await running([inner, outer], async () => {
      const heard: string[] = []
      client.on('message', (message) => heard.push(String(message)))
      for (const word of ['one', 'two', 'three']) client.send(word, l1, '127.0.0.1')
      await until(() => (heard.length === 3 ? true : undefined), {
        what: 'three datagrams',
        detail: () => heard.join(),
      })
      assert.deepEqual(heard.sort(), ['one', 'three', 'two'])
    })
  } finally {
    client.close()
    echo.close()
  }
})
