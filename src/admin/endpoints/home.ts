// `/`: a page for people. Open tunnels, refreshed each second from /connections, and links to everything else. One file,
// no outside resource; what tunnels carry is shown as text, never as markup.

import { randomBytes } from 'node:crypto'
import type { AdminContext } from '../context.ts'
import type { AdminResponse, Endpoint } from '../endpoint.ts'
import { HOME_SCRIPT } from '../home-script.ts'

/** The endpoint; `endpoints` are those to list. */
export const homeEndpoint = (endpoints: () => readonly Endpoint[]): Endpoint => ({
  path: '/',
  summary: 'this page',
  mutates: false,
  parameters: [],
  handle: (_, context) => page(endpoints(), context),
})

function page(endpoints: readonly Endpoint[], context: AdminContext): AdminResponse {
  // Only this script and style run, whatever a tunnel's path says; no other page may frame or be called by this one.
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return {
    status: 200,
    contentType: 'text/html; charset=UTF-8',
    headers: { 'content-security-policy': policy, 'x-frame-options': 'DENY' },
    body: html(endpoints, context, nonce),
  }
}

const html = (endpoints: readonly Endpoint[], context: AdminContext, nonce: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice admin</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<header><h1>Sluice</h1><p>${escapeHtml(context.server.version)} · <b id="state">${escapeHtml(context.server.state())}</b>${nodeText(context.config().node)}</p></header>
<main>
<h2>Open tunnels <small id="count"></small></h2>
<div class="scroll"><table id="tunnels"><thead><tr>
<th>id</th><th>type</th><th>age</th><th>idle</th><th>client</th><th>hops</th><th>endpoint</th>
<th>from client</th><th>from upstream</th><th>target</th><th>route</th>
</tr></thead><tbody></tbody></table></div>
<p id="note">The list needs JavaScript; <a href="connections?format=text">as text</a>, <a href="connections">as JSON</a>.</p>
<h2>Commands</h2>
<table class="commands"><tbody>
${endpoints.map(commandRow).join('\n')}
</tbody></table>
</main>
<script nonce="${nonce}">${HOME_SCRIPT}</script>
</body>
</html>
`

const nodeText = ({ id, cluster }: { readonly id: string; readonly cluster: string }): string =>
  id === '' && cluster === '' ? '' : ` · ${escapeHtml([cluster, id].filter((part) => part !== '').join(' / '))}`

function commandRow({ path, summary, mutates, parameters }: Endpoint): string {
  // Relative, so that the page also works behind a prefix.
  const target = escapeHtml(path.slice(1) || '.')
  // What needs a parameter is no button: pressed without, it could only fail.
  const needsParameter = parameters.some(({ name }) => name === 'id')
  const button = `<form method="post" action="${target}"><button>${escapeHtml(path)}</button></form>`
  const command = needsParameter ? escapeHtml(path) : mutates ? button : `<a href="${target}">${escapeHtml(path)}</a>`
  const names = parameters.map(({ name }) => escapeHtml(name)).join(', ')
  return `<tr><td>${command}</td><td>${escapeHtml(summary)}${names === '' ? '' : ` <small>(${names})</small>`}</td></tr>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 88rem; padding: 0 1.5rem 3rem }
header { display: flex; gap: 1rem; align-items: baseline }
h1 { margin: 1rem 0 } h2 { margin: 1.5rem 0 .5rem } small { opacity: .65; font-weight: normal }
.scroll { overflow-x: auto }
#tunnels { font-size: .85rem; line-height: 1.35 } #tunnels td:nth-last-child(-n+2) { white-space: normal; overflow-wrap: anywhere; min-width: 7rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; white-space: nowrap }
.commands td { white-space: normal } .commands td:first-child { width: 14rem }
form { margin: 0 } button { font: inherit; cursor: pointer }
`
