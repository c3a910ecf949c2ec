// `npm run docs`: writes the documents that are made from code. With --check it writes nothing and exits with 1 when one
// of them is not what the code says.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { envoySupportPage } from './docs-envoy-support.ts'

const pages: readonly { readonly path: string; readonly render: () => string }[] = [
  { path: 'docs/envoy-support.md', render: envoySupportPage },
]

const check = process.argv.includes('--check')
for (const { path, render } of pages) {
  const current = read(path)
  const wanted = render()
  if (current === wanted) continue
  if (check) {
    console.error(`${path} is out of date. Run: npm run docs`)
    process.exitCode = 1
  } else {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, wanted)
    console.log(`wrote ${path}`)
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
