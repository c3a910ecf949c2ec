// Whether a password is the one of an htpasswd entry: bcrypt, Apache's MD5, SHA-1 or the password itself.

import { createHash, hash, timingSafeEqual } from 'node:crypto'
import { passwordScheme } from '../../../config/model/password-scheme.ts'
import { apr1 } from './apr1.ts'
import { compareBcrypt } from './bcrypt-thread.ts'

/** Characters of a password that are looked at: the slow schemes read it a thousand times. */
const PASSWORD_LENGTH = 1024

/** Takes as long for a wrong password as for the right one. */
export async function verifyPassword(stored: string, password: string): Promise<boolean> {
  if (password.length > PASSWORD_LENGTH) return false
  switch (passwordScheme(stored)) {
    case 'bcrypt':
      return compareBcrypt(password, stored)
    case 'apr1':
      return sameText(apr1(password, stored), stored)
    case 'sha1':
      return sameText(`{SHA}${hash('sha1', password, 'base64')}`, stored)
    case 'plain':
      return sameText(password, stored)
    case 'unsupported':
      return false
  }
}

/** How much work a password of such an entry is, to compare with others. */
export function passwordCost(stored: string): number {
  switch (passwordScheme(stored)) {
    case 'bcrypt':
      return 2 ** Number(stored.slice(4, 6))
    case 'apr1':
      return 2
    case 'sha1':
    case 'plain':
      return 1
    case 'unsupported':
      return 0
  }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares digests, so that neither length nor position of a difference shows. */
const sameText = (a: string, b: string): boolean => timingSafeEqual(sha256(a), sha256(b))
