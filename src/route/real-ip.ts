// The client's address as the headers tell it, which Easegress hashes and filters by: X-Real-IP, then the first of
// X-Forwarded-For. Anybody can write them: they decide where a request goes, never what it may.

import { isIP } from 'node:net'
import type { HeaderList } from '../codec/header-list.ts'

/** undefined = the headers name none. */
export function realIp(headers: HeaderList): string | undefined {
  return address(headers.get('x-real-ip')) ?? address(headers.get('x-forwarded-for'))
}

function address(text: string | undefined): string | undefined {
  const first = text?.split(',', 1)[0]?.trim() ?? ''
  return isIP(first) === 0 ? undefined : first
}
