// Independent programs that some tests need. Where one is missing its tests are skipped by name, never silently.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian packages by program. */
const PACKAGES: Readonly<Record<string, string>> = {
  nginx: 'nginx',
  haproxy: 'haproxy',
  nghttp: 'nghttp2-client',
  h2load: 'nghttp2-client',
  nghttpx: 'nghttp2-proxy',
  chromium: 'chromium',
  curl: 'curl',
  openssl: 'openssl',
  squid: 'squid',
  tinyproxy: 'tinyproxy',
  git: 'git',
  rsync: 'rsync',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
}

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/bin']

/** The path of a program; undefined when it is not installed. */
export function toolPath(name: string): string | undefined {
  for (const folder of FOLDERS) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  return undefined
}

/** For `test(name, needs('nginx'), …)`: a reason to skip, or nothing. */
export function needs(...names: readonly string[]): { skip?: string } {
  const missing = names.filter((name) => toolPath(name) === undefined)
  if (missing.length === 0) return {}
  const packages = [...new Set(missing.map((name) => PACKAGES[name] ?? name))]
  return { skip: `${missing.join(', ')} not found; apt-get install ${packages.join(' ')}` }
}
