// How an htpasswd file keeps a password, by the beginning of the entry (Apache htpasswd, password formats).

export type PasswordScheme = 'bcrypt' | 'apr1' | 'sha1' | 'plain' | 'unsupported'

/** The scheme of what stands after `user:`. The crypt schemes of the system (`$1$`, `$5$`, `$6$`, …) are not supported. */
export function passwordScheme(stored: string): PasswordScheme {
  if (/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(stored)) return 'bcrypt'
  if (/^\$apr1\$[^$]{1,8}\$[./A-Za-z0-9]{22}$/.test(stored)) return 'apr1'
  if (/^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(stored)) return 'sha1'
  return /^(\$|\{)/.test(stored) || stored === '' ? 'unsupported' : 'plain'
}
