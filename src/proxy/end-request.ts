// What asks a process to end: SIGTERM, SIGINT, or an operator through the admin pages.

/** An operator's wish to end, which may come before anybody waits for it. */
export class QuitRequest {
  #reason: string | undefined
  #heard: ((reason: string) => void) | undefined

  ask(reason: string): void {
    this.#reason = reason
    this.#heard?.(reason)
  }

  listen(heard: (reason: string) => void): void {
    this.#heard = heard
    if (this.#reason !== undefined) heard(this.#reason)
  }
}

/**
 * Resolves to what asked for the end. SIGUSR1 means `reopenLogs`, also afterwards: tunnels still run, logs still rotate, and
 * without a listener the runtime would open its debugger.
 */
export function endRequest(quit: QuitRequest, reopenLogs: () => void): Promise<string> {
  return new Promise((resolve) => {
    const onTerm = (): void => finish('SIGTERM')
    const onInt = (): void => finish('SIGINT')
    // Keeps the process alive when every listener has closed but an operator is still expected.
    const alive = setInterval(() => undefined, 60_000)
    const finish = (reason: string): void => {
      clearInterval(alive)
      process.off('SIGTERM', onTerm)
      process.off('SIGINT', onInt)
      resolve(reason)
    }
    quit.listen(finish)
    process.on('SIGTERM', onTerm)
    process.on('SIGINT', onInt)
    process.on('SIGUSR1', reopenLogs)
  })
}
