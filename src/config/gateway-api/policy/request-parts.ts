// What may stand in the head of a probe's request: text that breaks out of its place would smuggle a second request.

/** A path with its query. */
export const isPath = (text: string): boolean => /^\/[\x21-\x7e]*$/.test(text)

/** A Host header; '' = the default. */
export const isHost = (text: string): boolean => /^[A-Za-z0-9.\-_:[\]%]*$/.test(text)
