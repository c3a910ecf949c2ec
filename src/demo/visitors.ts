// The demo's own clients: a few WebSockets through the front that end in different ways, so that the first screen shows
// lines before anybody opens the page.

import { WebSocket } from 'ws'

/** Runs the visits one after another; resolves when all have ended. */
export async function visit(frontPort: number): Promise<void> {
  const url = `ws://127.0.0.1:${frontPort}/echo`
  await talk(`${url}?visitor=polite`, (socket) => socket.close(1000, 'thank you'), ['hello', 'how are you?'])
  await talk(`${url}?visitor=app-closes`, (socket) => socket.send('bye'), ['tell me when to go'])
  await talk(`${url}?visitor=vanishes`, (socket) => socket.terminate(), ['I will be gone without a word'])
}

/** Sends the lines, waits for each echo, then ends as told. */
async function talk(url: string, end: (socket: WebSocket) => void, lines: readonly string[]): Promise<void> {
  const socket = new WebSocket(url)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.on('error', () => undefined)
  for (const line of lines) {
    const echo = new Promise<void>((resolve) => socket.once('message', () => resolve()))
    socket.send(line)
    await echo
  }
  end(socket)
  await closed
}
