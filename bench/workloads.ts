// The rows of the benchmark, in the order they run: one shape after the other, so that proxies start once for each shape.
import type { Job, Load, Shape, Unit, Workload } from './workload.ts'

const http1: Shape = { downstream: 'http1', tls: false, upstream: 'http1', workers: 1, chain: false }
const http2: Shape = { ...http1, downstream: 'http2', upstream: 'http2' }
const http2to1: Shape = { ...http1, downstream: 'http2' }
const tunnel: Shape = { ...http1, chain: true, tcp: 'enter' }
const http1to2: Shape = { ...http1, upstream: 'http2' }

const units: Record<Job, Unit> = {
  echo: 'µs',
  rate: 'µs',
  setup: 'µs',
  request: 'µs',
  up: 'ms per GB',
  down: 'ms per GB',
  idle: 'KiB',
}

type Row = readonly [id: string, title: string, load: Load]

function rows(group: string, shape: Shape, list: readonly Row[]): Workload[] {
  return list.map(([id, title, load]) => ({ id, group, title, shape, load, unit: units[load.job] }))
}

export const workloads: readonly Workload[] = [
  ...rows('HTTP/1.1', http1, [
    ['echo-1', 'WebSocket echo, 1 connection', { job: 'echo', connections: 1 }],
    ['echo-100', 'WebSocket echo, 100 connections', { job: 'echo', connections: 100 }],
    ['echo-1000', 'WebSocket echo, 1000 connections', { job: 'echo', connections: 1000 }],
    ['echo-5000', 'WebSocket echo, 5000 connections', { job: 'echo', connections: 5000 }],
    ['echo-burst', 'echo, bursts of 16', { job: 'echo', connections: 100, burst: 16 }],
    ['echo-rate', 'echo at a fixed 10,000/s, 1000 connections', { job: 'rate', connections: 1000, rate: 10000 }],
    ['echo-1k', 'echo, messages of 1 KiB', { job: 'echo', connections: 100, size: 1024 }],
    ['echo-16k', 'echo, messages of 16 KiB', { job: 'echo', connections: 100, size: 16384 }],
    ['bulk-up', 'bulk up', { job: 'up', connections: 4 }],
    ['bulk-down', 'bulk down', { job: 'down', connections: 4 }],
    ['handshake', 'handshake: connect, upgrade, echo, close', { job: 'setup', connections: 32 }],
    ['request', 'request, keep-alive, empty body', { job: 'request', connections: 100, size: 0 }],
    ['request-16k', 'request, keep-alive, 16 KiB body', { job: 'request', connections: 100, size: 16384 }],
  ]),
  ...rows('HTTP/1.1, TLS downstream', { ...http1, tls: true }, [
    ['tls-echo', 'echo, 100 connections', { job: 'echo', connections: 100 }],
    ['tls-handshake', 'handshake: connect, TLS, upgrade, echo, close', { job: 'setup', connections: 32 }],
    ['tls-request', 'request, keep-alive, empty body', { job: 'request', connections: 100, size: 0 }],
    ['tls-bulk-up', 'bulk up', { job: 'up', connections: 4 }],
    ['tls-bulk-down', 'bulk down', { job: 'down', connections: 4 }],
  ]),
  ...rows('HTTP/2 → HTTP/2', http2, [
    ['h2-echo-1', 'tunnel message, 1 connection × 100 streams', { job: 'echo', connections: 1, streams: 100 }],
    ['h2-echo-4', 'tunnel message, 4 connections × 100 streams', { job: 'echo', connections: 4, streams: 100 }],
    ['h2-echo-10', 'tunnel message, 10 connections × 100 streams', { job: 'echo', connections: 10, streams: 100 }],
    ['h2-burst', 'tunnel messages, bursts of 16, 4 × 100', { job: 'echo', connections: 4, streams: 100, burst: 16 }],
    ['h2-bulk-up', 'bulk up', { job: 'up', connections: 1, streams: 4 }],
    ['h2-bulk-down', 'bulk down', { job: 'down', connections: 1, streams: 4 }],
    ['h2-setup', 'tunnel set-up: extended CONNECT, echo, end', { job: 'setup', connections: 4, streams: 10 }],
    ['h2-request', 'request, 4 connections × 25 streams', { job: 'request', connections: 4, streams: 25, size: 0 }],
  ]),
  ...rows('HTTP/2 → HTTP/1.1', http2to1, [
    ['h2h1-echo', 'tunnel message, 4 connections × 100 streams', { job: 'echo', connections: 4, streams: 100 }],
    ['h2h1-burst', 'tunnel messages, bursts of 16, 4 × 100', { job: 'echo', connections: 4, streams: 100, burst: 16 }],
    ['h2h1-bulk-up', 'bulk up', { job: 'up', connections: 1, streams: 4 }],
    ['h2h1-bulk-down', 'bulk down', { job: 'down', connections: 1, streams: 4 }],
    ['h2h1-setup', 'tunnel set-up', { job: 'setup', connections: 4, streams: 10 }],
    ['h2h1-request', 'request, 4 connections × 25 streams', { job: 'request', connections: 4, streams: 25, size: 0 }],
  ]),
  ...rows('HTTP/2 with TLS downstream → HTTP/1.1', { ...http2to1, tls: true }, [
    ['h2tls-echo', 'tunnel message, 4 connections × 100 streams', { job: 'echo', connections: 4, streams: 100 }],
    ['h2tls-request', 'request, 4 connections × 25 streams', { job: 'request', connections: 4, streams: 25, size: 0 }],
    ['h2tls-bulk-up', 'bulk up', { job: 'up', connections: 1, streams: 4 }],
    ['h2tls-bulk-down', 'bulk down', { job: 'down', connections: 1, streams: 4 }],
  ]),
  ...rows('HTTP/1.1 → HTTP/2', http1to2, [
    ['h1h2-echo', 'echo, 100 connections', { job: 'echo', connections: 100 }],
    ['h1h2-handshake', 'handshake: connect, upgrade, echo, close', { job: 'setup', connections: 32 }],
    ['h1h2-request', 'request, keep-alive, empty body', { job: 'request', connections: 100, size: 0 }],
  ]),
  ...rows('HTTP/1.1 → HTTP/2 → HTTP/1.1, two proxies, CPU summed', { ...http1, chain: true }, [
    ['mixed-echo', 'echo, 100 connections', { job: 'echo', connections: 100 }],
    ['mixed-handshake', 'handshake: connect, upgrade, echo, close', { job: 'setup', connections: 32 }],
    ['mixed-request', 'request, keep-alive, empty body', { job: 'request', connections: 100, size: 0 }],
  ]),
  ...rows('TCP', { ...http1, tcp: 'forward' }, [
    ['tcp-echo-100', 'echo, 100 connections', { job: 'echo', connections: 100 }],
    ['tcp-echo-1000', 'echo, 1000 connections', { job: 'echo', connections: 1000 }],
    ['tcp-bulk-up', 'bulk up', { job: 'up', connections: 4 }],
    ['tcp-bulk-down', 'bulk down', { job: 'down', connections: 4 }],
    ['tcp-setup', 'connect, upgrade, echo, close', { job: 'setup', connections: 32 }],
  ]),
  ...rows('TCP in HTTP/2 CONNECT, two proxies, CPU summed (peers forward TCP twice)', tunnel, [
    ['tunnel-echo', 'echo, 100 connections', { job: 'echo', connections: 100 }],
    ['tunnel-bulk-up', 'bulk up', { job: 'up', connections: 4 }],
    ['tunnel-bulk-down', 'bulk down', { job: 'down', connections: 4 }],
    ['tunnel-setup', 'tunnel set-up: connect, upgrade, echo, close', { job: 'setup', connections: 32 }],
  ]),
  ...rows('Two workers', { ...http1, workers: 2 }, [
    ['two-echo', 'WebSocket echo, 100 connections', { job: 'echo', connections: 100 }],
    ['two-handshake', 'handshake: connect, upgrade, echo, close', { job: 'setup', connections: 32 }],
    ['two-request', 'request, keep-alive, empty body', { job: 'request', connections: 100, size: 0 }],
  ]),
  ...rows('Memory for each idle proxied WebSocket', http1, [
    ['memory', 'plain, 10,000 connections', { job: 'idle', connections: 10000 }],
  ]),
  ...rows('Memory for each idle proxied WebSocket', { ...http1, tls: true }, [
    ['memory-tls', 'TLS, 3,000 connections', { job: 'idle', connections: 3000 }],
  ]),
]

/** Rows with two workers and the one-worker row that each is held against. */
export const twoWorkerPairs: ReadonlyMap<string, string> = new Map([
  ['two-echo', 'echo-100'],
  ['two-handshake', 'handshake'],
  ['two-request', 'request'],
])
