import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ApplicationLog, isLogLevel, type LogOptions } from '../../../src/observe/log.ts'

function capture(options: Partial<LogOptions> = {}): { readonly log: ApplicationLog; readonly lines: string[] } {
  const lines: string[] = []
  return { log: new ApplicationLog({ level: 'info', write: (line) => lines.push(line), ...options }), lines }
}

test('a line has the time, level, component, message and fields', () => {
  const { log, lines } = capture()
  log.component('listener').warning('Cannot bind', { address: '127.0.0.1:80', reason: 'permission denied', attempt: 2 })
  assert.match(
    lines.join(''),
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warning \[listener\] Cannot bind address=127\.0\.0\.1:80 reason="permission denied" attempt=2\n$/,
  )
})

test('only levels at or above the component level are printed', () => {
  const { log, lines } = capture()
  const admin = log.component('admin')
  const tunnel = log.component('tunnel')
  admin.debug('no')
  log.setComponentLevel('admin', 'debug')
  admin.debug('yes')
  tunnel.debug('no')
  assert.equal(lines.length, 1)
  log.setLevel('off')
  admin.critical('no')
  assert.equal(lines.length, 1)
  assert.deepEqual(
    [...log.levels()],
    [
      ['admin', 'off'],
      ['tunnel', 'off'],
    ],
  )
  log.setLevel('trace')
  tunnel.trace('yes')
  log.component('later').trace('yes')
  assert.equal(lines.length, 3)
})

test('an unknown component is not set', () => {
  const { log } = capture()
  assert.equal(log.setComponentLevel('nobody', 'info'), false)
  assert.equal(isLogLevel('warn'), false)
  assert.equal(isLogLevel('warning'), true)
})

test('a value cannot forge a line', () => {
  const { log, lines } = capture()
  log.component('http').info('bad\nmessage', { path: '/a\r\n2026 info forged' })
  assert.equal(lines.join('').split('\n').length, 2)
})

test('JSON for machines', () => {
  const { log, lines } = capture({ format: 'json' })
  log.component('admin').error('Failed', { code: 5 })
  const parsed: unknown = JSON.parse(lines.join(''))
  assert.partialDeepStrictEqual(parsed, { level: 'error', component: 'admin', msg: 'Failed', code: 5 })
})

test('a log file, and a new one after a rotation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-app-log-'))
  const path = join(folder, 'app.log')
  try {
    const log = new ApplicationLog({ level: 'info', path })
    log.component('server').info('one')
    renameSync(path, `${path}.1`)
    log.reopen()
    log.component('server').info('two')
    log.close()
    assert.match(readFileSync(`${path}.1`, 'utf8'), /one\n$/)
    assert.match(readFileSync(path, 'utf8'), /two\n$/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a file that cannot be opened is told at once', () => {
  assert.throws(() => new ApplicationLog({ level: 'info', path: '/nonexistent/folder/x.log' }), /ENOENT/)
})
