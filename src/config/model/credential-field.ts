// Names of header fields whose values are credentials: they are hidden where a configuration is shown.

const CREDENTIALS = /^(?:proxy-)?authorization$|^(?:set-)?cookie$|(?:^|-)(?:api-key|token|secret)$/i

/** Whether a field of that name carries a credential. */
export const isCredentialField = (name: string): boolean => CREDENTIALS.test(name)
