import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TcpProxy } from '../../../../../src/config/model/tcp-proxy.ts'
import { closeCause } from '../../../../../src/core/close-cause.ts'
import { endpoint } from '../../../cluster/build.ts'
import { dial, settle, shutdown, start, template } from './harness.ts'

describe('a session that is passed on as it is', () => {
  test('reads nothing of the client before the upstream stands, then carries both directions', async () => {
    const running = start()
    const { client } = running
    client.write('hello')
    await settle()
    assert.equal(running.stat('tcp.t.early_data_received_count_total'), 0)
    const upstream = dial(running).connect()
    await settle()
    assert.equal(upstream.text, 'hello')
    upstream.write('good day')
    await settle()
    assert.equal(client.text, 'good day')
    assert.equal(running.stat('tcp.t.downstream_cx_rx_bytes_total'), 5)
    assert.equal(running.stat('tcp.t.downstream_cx_tx_bytes_total'), 8)
    client.stream.endWriting()
    upstream.stream.endWriting()
    await settle()
    assert.deepEqual(running.log, ['TcpConnectionEnd - 5/8 127.0.0.1:80 client finished'])
    assert.equal(running.closedTimes(), 1)
    assert.equal(running.active.requests(), 0)
    assert.equal(running.wheel.size, 0)
    assert.equal(running.clock.pending, 0)
  })

  test('lets the upstream speak first', async () => {
    const running = start()
    const upstream = dial(running).connect()
    upstream.write('220 ready')
    await settle()
    assert.equal(running.client.text, '220 ready')
    running.session.close(shutdown())
    await settle()
  })

  test('half-close of one side leaves the other direction open, whichever side it is', async () => {
    for (const first of ['client', 'upstream'] as const) {
      const running = start()
      const upstream = dial(running).connect()
      await settle()
      const [ender, other] = first === 'client' ? [running.client, upstream] : [upstream, running.client]
      ender.stream.endWriting()
      await settle()
      assert.equal(other.ended, true)
      other.write('still here')
      await settle()
      assert.equal(ender.text, 'still here')
      other.stream.endWriting()
      await settle()
      assert.match(running.log[0] ?? '', new RegExp(`${first} finished$`))
    }
  })

  test('a reset of one side resets the other, and the log tells which', async () => {
    const format = '%CLOSED_BY% %CLOSE_CAUSE% %DOWNSTREAM_DETECTED_CLOSE_TYPE% %UPSTREAM_DETECTED_CLOSE_TYPE%'
    const byClient = start({ format })
    const upstream = dial(byClient).connect()
    await settle()
    byClient.client.stream.reset(shutdown())
    await settle()
    assert.equal(upstream.closed?.code, 'client_disconnect')
    assert.equal(upstream.ended, false)
    assert.deepEqual(byClient.log, ['client client_disconnect RemoteReset LocalReset'])
    const byUpstream = start({ format })
    const other = dial(byUpstream).connect()
    await settle()
    other.stream.reset(shutdown())
    await settle()
    assert.equal(byUpstream.client.closed?.detail, 'connection reset by peer')
    assert.equal(byUpstream.client.ended, false)
    assert.deepEqual(byUpstream.log, ['upstream upstream_closed LocalReset RemoteReset'])
  })

  test('a client that resets while the upstream is dialled has its attempt cancelled', async () => {
    const running = start()
    await settle()
    running.client.stream.reset(shutdown())
    await settle()
    assert.equal(dial(running).cancelled, true)
    assert.match(running.log[0] ?? '', /^TcpConnectionEnd - 0\/0 - client client_disconnect$/)
    assert.equal(running.closedTimes(), 1)
  })

  test('the ledger lists it while it is open, an operator can close it, and who did is kept', async () => {
    const running = start({ serverName: 'shop.example' })
    const upstream = dial(running).connect()
    await settle()
    const [entry] = [...running.ledger.entries()]
    assert.deepEqual(
      [entry?.type, entry?.upstreamProtocol, entry?.cluster, entry?.endpoint, entry?.authority],
      ['TCP', 'TCP', 'a', '127.0.0.1:80', 'shop.example'],
    )
    entry?.close(closeCause('operator', 'server', 'admin_close'))
    await settle()
    upstream.stream.endWriting()
    running.client.stream.endWriting()
    await settle()
    assert.equal(running.ledger.size, 0)
    assert.deepEqual(
      running.ends.map(({ cause }) => [cause.by, cause.code]),
      [['operator', 'admin_close']],
    )
    assert.match(running.log[0] ?? '', /operator admin_close$/)
  })
})

describe('attempts', () => {
  test('an endpoint that fails is followed by another one, and the client hears nothing of it', async () => {
    const running = start({
      config: { maxConnectAttempts: 3 },
      format: '%RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_HOSTS_ATTEMPTED%',
    })
    const refusing = endpoint('10.0.0.9')
    dial(running).fail('upstream_connection_failure', { endpoint: refusing })
    running.clock.advance(0)
    assert.deepEqual(dial(running, 1).need.tried, [refusing])
    const upstream = dial(running, 1).connect()
    await settle()
    running.client.write('x')
    await settle()
    assert.equal(upstream.text, 'x')
    running.session.close(shutdown())
    await settle()
    running.client.stream.endWriting()
    upstream.stream.endWriting()
    await settle()
    assert.deepEqual(running.log, ['UF 2 10.0.0.9:80,127.0.0.1:80'])
    assert.equal(running.stat('cluster.a.upstream_cx_connect_attempts_exceeded'), 0)
  })

  test('the last failure ends the session with URX, Envoy’s close reason and the explanation', async () => {
    const running = start({
      config: { maxConnectAttempts: 2 },
      format:
        '%RESPONSE_FLAGS% %UPSTREAM_HOST% %UPSTREAM_LOCAL_ADDRESS% %CONNECTION_TERMINATION_DETAILS% %CLOSED_BY% %CLOSE_CAUSE% %CLOSE_DETAIL%',
    })
    dial(running).fail('upstream_connection_failure')
    running.clock.advance(0)
    dial(running, 1).fail('upstream_connection_timeout', { explanation: 'no answer' })
    await settle()
    assert.equal(running.client.ended, true)
    assert.deepEqual(running.log, [
      'UF,URX 10.0.0.2:80 - tcp_initializion_failure:0 upstream upstream_connection_timeout 2 attempts failed, the last one: no answer',
    ])
    assert.equal(running.stat('cluster.a.upstream_cx_connect_attempts_exceeded'), 1)
  })

  test('the pauses between attempts are random below an interval that doubles up to the maximum', async () => {
    const running = start({
      config: { maxConnectAttempts: 5, backoff: { baseMs: 100, maxMs: 250 } },
      random: () => 0.999,
    })
    for (const pause of [99, 199, 249, 249]) {
      dial(running, running.dials.length - 1).fail('upstream_connection_failure')
      const before = running.dials.length
      running.clock.advance(pause - 1)
      assert.equal(running.dials.length, before)
      running.clock.advance(1)
      assert.equal(running.dials.length, before + 1)
    }
    running.session.close(shutdown())
    await settle()
  })

  test('nobody to connect to is UH and is not tried again', async () => {
    const running = start({
      config: { maxConnectAttempts: 3 },
      format: '%RESPONSE_FLAGS% %DOWNSTREAM_LOCAL_CLOSE_REASON%',
    })
    dial(running).fail('no_healthy_upstream', { endpoint: undefined })
    running.client.stream.endWriting()
    await settle()
    assert.equal(running.dials.length, 1)
    assert.deepEqual(running.log, ['UH tcp_initializion_failure:1'])
  })

  test('a cluster that does not exist is NC and counted as no route', async () => {
    const running = start({
      config: { clusters: [{ name: 'gone', weight: 1 }] },
      format: '%RESPONSE_FLAGS% %DOWNSTREAM_LOCAL_CLOSE_REASON% %CLOSE_DETAIL%',
    })
    running.client.stream.endWriting()
    await settle()
    assert.deepEqual(running.log, [
      'NC tcp_initializion_failure:3 the TCP proxy of envoy.yaml:20 sends to cluster "gone", which does not exist',
    ])
    assert.equal(running.stat('tcp.t.downstream_cx_no_route'), 1)
  })

  test('max_connections is asked before every attempt', async () => {
    const running = start({ maxConnections: 0, format: '%RESPONSE_FLAGS% %DOWNSTREAM_LOCAL_CLOSE_REASON%' })
    running.client.stream.endWriting()
    await settle()
    assert.equal(running.dials.length, 0)
    assert.deepEqual(running.log, ['UO tcp_initializion_failure:2'])
    assert.equal(running.stat('cluster.a.upstream_cx_overflow'), 1)
  })

  test('weights choose the cluster of each attempt, and filter state goes before them', async () => {
    const clusters = [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 3 },
    ]
    const chosen = async (random: number, state?: Record<string, string>): Promise<string> => {
      const running = start({
        config: { clusters, totalWeight: 4 },
        random: () => random,
        format: '%UPSTREAM_CLUSTER%',
        ...(state === undefined ? {} : { state }),
      })
      running.session.close(shutdown())
      running.client.stream.endWriting()
      await settle()
      return running.log[0] ?? ''
    }
    assert.equal(await chosen(0.24), 'a')
    assert.equal(await chosen(0.25), 'b')
    assert.equal(await chosen(0.99), 'b')
    assert.equal(await chosen(0.99, { 'envoy.tcp_proxy.cluster': 'a' }), 'a')
  })
})

describe('early data', () => {
  const waiting = { connectMode: 'on-downstream-data', maxEarlyDataBytes: 8 } as const

  test('nothing is dialled before the client speaks, and what it said goes first', async () => {
    const running = start({ config: waiting })
    await settle()
    assert.equal(running.dials.length, 0)
    running.client.write('12345')
    await settle()
    assert.equal(running.dials.length, 1)
    running.client.write('67890')
    await settle()
    running.client.write('abc')
    running.client.stream.endWriting()
    await settle()
    const upstream = dial(running).connect()
    await settle()
    assert.equal(upstream.text, '1234567890abc')
    assert.equal(upstream.ended, true)
    assert.equal(running.stat('tcp.t.early_data_received_count_total'), 1)
    upstream.write('answer')
    upstream.stream.endWriting()
    await settle()
    assert.equal(running.client.text, 'answer')
    assert.equal(running.log[0], 'TcpConnectionEnd - 13/6 127.0.0.1:80 client finished')
  })

  test('the end of a client that was read to its end reaches the upstream behind its bytes', async () => {
    const running = start({ config: { ...waiting, maxEarlyDataBytes: 100 } })
    running.client.write('all')
    running.client.stream.endWriting()
    await settle()
    const upstream = dial(running).connect()
    await settle()
    assert.equal(upstream.text, 'all')
    assert.equal(upstream.ended, true)
    upstream.stream.endWriting()
    await settle()
    assert.equal(running.closedTimes(), 1)
  })

  test('a limit of 0 stops reading after the first read', async () => {
    const running = start({ config: { ...waiting, maxEarlyDataBytes: 0 } })
    running.client.write('1')
    await settle()
    assert.equal(running.dials.length, 1)
    running.client.write('2')
    await settle()
    running.client.stream.reset(shutdown())
    await settle()
    assert.match(running.log[0] ?? '', / 1\/0 /)
  })

  test('the handshake mode has nothing to wait for', () => {
    const running = start({ config: { connectMode: 'on-downstream-tls-handshake', maxEarlyDataBytes: 8 } })
    assert.equal(running.dials.length, 1)
    running.session.close(shutdown())
  })
})

describe('time', () => {
  test('the idle limit runs from the accept on', async () => {
    const running = start({
      config: { idleTimeoutMs: 1000 },
      format: '%CLOSED_BY% %CLOSE_CAUSE% %CONNECTION_TERMINATION_DETAILS% %RESPONSE_FLAGS%',
    })
    running.clock.advance(1600)
    running.client.stream.endWriting()
    await settle()
    assert.equal(dial(running).cancelled, true)
    assert.deepEqual(running.log, ['proxy tcp_session_idle_timeout tcp_session_idle_timeout -'])
    assert.equal(running.stat('tcp.t.idle_timeout'), 1)
  })

  test('bytes of either side put it off once the session is open', async () => {
    const running = start({ config: { idleTimeoutMs: 1000 } })
    const upstream = dial(running).connect()
    for (const side of [running.client, upstream, running.client]) {
      await settle()
      running.clock.advance(900)
      side.write('.')
      await settle()
    }
    assert.equal(running.ledger.size, 1)
    running.clock.advance(2000)
    await settle()
    assert.deepEqual([running.client.ended, upstream.ended], [true, true])
    running.client.stream.endWriting()
    upstream.stream.endWriting()
    await settle()
    assert.match(running.log[0] ?? '', /proxy tcp_session_idle_timeout$/)
  })

  test('filter state may set the idle limit of one connection, or lift it', async () => {
    const key = 'envoy.tcp_proxy.per_connection_idle_timeout_ms'
    const short = start({ state: { [key]: '1000' } })
    short.clock.advance(1600)
    assert.equal(dial(short).cancelled, true)
    const none = start({ state: { [key]: '0' }, config: { idleTimeoutMs: 1000 } })
    none.clock.advance(100_000)
    assert.equal(dial(none).cancelled, false)
    none.session.close(shutdown())
    await settle()
  })

  test('the longest life, with its jitter, ends an open session with DT', async () => {
    const running = start({
      config: { maxDurationMs: 10_000, maxDurationJitterPercent: 50 },
      random: () => 0.5,
      format: '%RESPONSE_FLAGS% %CLOSE_CAUSE% %DOWNSTREAM_LOCAL_CLOSE_REASON%',
    })
    const upstream = dial(running).connect()
    await settle()
    running.clock.advance(12_400)
    await settle()
    assert.equal(running.client.ended, false)
    running.clock.advance(1000)
    await settle()
    assert.equal(running.client.ended, true)
    running.client.stream.endWriting()
    upstream.stream.endWriting()
    await settle()
    assert.deepEqual(running.log, ['DT max_connection_duration max_connection_duration_reached'])
    assert.equal(running.stat('tcp.t.max_downstream_connection_duration'), 1)
  })
})

describe('a drain', () => {
  const drain = closeCause('operator', 'server', 'drained')

  test('leaves a session alone', async () => {
    const running = start()
    const upstream = dial(running).connect()
    running.session.drain(drain)
    await settle()
    running.client.write('on we go')
    await settle()
    assert.equal(upstream.text, 'on we go')
    assert.equal(running.client.ended, false)
    running.session.close(shutdown())
    await settle()
  })

  test('ends it behind the next bytes with check_drain_close', async () => {
    const running = start({ config: { checkDrainClose: true } })
    const upstream = dial(running).connect()
    running.session.drain(drain)
    await settle()
    assert.equal(running.client.ended, false)
    upstream.write('last words')
    await settle()
    assert.equal(running.client.text, 'last words')
    assert.deepEqual([running.client.ended, upstream.ended], [true, true])
    running.client.stream.endWriting()
    upstream.stream.endWriting()
    await settle()
    assert.match(running.log[0] ?? '', /operator drained$/)
  })
})

describe('access log lines', () => {
  test('at the start, when the upstream stands, at intervals, at the end', async () => {
    const running = start({
      config: { accessLogOptions: { flushIntervalMs: 1000, onConnected: true, onStart: true } },
      format: '%ACCESS_LOG_TYPE% %BYTES_RECEIVED% %UPSTREAM_HOST%',
    })
    running.clock.advance(1000)
    const upstream = dial(running).connect()
    await settle()
    running.client.write('12345')
    await settle()
    running.clock.advance(1000)
    running.client.stream.endWriting()
    upstream.stream.endWriting()
    await settle()
    running.clock.advance(5000)
    assert.deepEqual(running.log, [
      'TcpConnectionStart 0 -',
      'TcpPeriodic 0 -',
      'TcpUpstreamConnected 0 127.0.0.1:80',
      'TcpPeriodic 5 127.0.0.1:80',
      'TcpConnectionEnd 5 127.0.0.1:80',
    ])
  })
})

describe('what the upstream is told of the client', () => {
  test('the named target, the server name and the TLVs that the client’s own header did not bring', async () => {
    const running = start({
      discovery: 'dynamic-forward-proxy',
      state: {
        'envoy.upstream.dynamic_host': '2001:db8::1',
        'envoy.upstream.dynamic_port': '443',
        'envoy.network.upstream_server_name': 'inner.example',
      },
      config: {
        proxyProtocolTlvs: [{ type: 0xe0, value: Buffer.from('own') }],
      },
    })
    const { need } = dial(running)
    assert.equal(need.target, '[2001:db8::1]:443')
    assert.equal(need.serverName, 'inner.example')
    assert.equal(need.downstream?.info.remote.text, '127.0.0.1:1024')
    assert.deepEqual(need.downstream?.tlvs, [{ type: 0xe0, value: Buffer.from('own') }])
    running.session.close(shutdown())
    await settle()
  })

  test('its own TLVs and the configured ones are merged as the policy says', async () => {
    const configured = [
      { type: 1, value: Buffer.from('own') },
      { type: 2, value: template('%REQUESTED_SERVER_NAME%') },
    ]
    const merged = async (tlvMerge: TcpProxy['tlvMerge'], received: readonly number[]): Promise<unknown> => {
      const running = start({
        state: {},
        received: received.map((type) => ({ type, value: Buffer.from('its') })),
        serverName: 'sni',
        config: { proxyProtocolTlvs: configured, tlvMerge },
      })
      const { tlvs } = dial(running).need.downstream ?? {}
      running.session.close(shutdown())
      await settle()
      return tlvs?.map(({ type, value }) => `${type} ${value.toString()}`)
    }
    assert.deepEqual(await merged('add-if-absent', []), ['1 own', '2 sni'])
    assert.deepEqual(await merged('add-if-absent', [9]), undefined)
    assert.deepEqual(await merged('overwrite-by-type', [1, 9]), ['9 its', '1 own', '2 sni'])
    assert.deepEqual(await merged('append', [1, 9]), ['1 its', '9 its', '1 own', '2 sni'])
  })
})
