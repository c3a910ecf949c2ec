// The script of the admin home page, as text: it runs in a browser and asks /connections each second.

export const HOME_SCRIPT = `
const body = document.querySelector('#tunnels tbody')
const count = document.querySelector('#count')
const note = document.querySelector('#note')
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
function size(bytes) {
  let unit = 0
  while (bytes >= 1024 && unit < 4) { bytes /= 1024; unit++ }
  return (unit && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)) + ' ' + units[unit]
}
function time(ms) {
  const s = Math.floor(ms / 1000)
  if (s < 60) return s + ' s'
  if (s < 3600) return Math.floor(s / 60) + ' min ' + s % 60 + ' s'
  return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min'
}
const moved = (way) => size(way.bytes) + (way.messages === null ? '' : ' / ' + way.messages + ' msg')
const cells = (t) => [t.id, t.type, time(t.age_ms), time(t.idle_ms), t.client, t.hops.downstream + ' → ' + t.hops.upstream,
  t.endpoint, moved(t.from_client), moved(t.from_upstream), t.authority + t.path, t.route || t.route_place || '-']
function row(tunnel) {
  const tr = document.createElement('tr')
  for (const cell of cells(tunnel)) tr.appendChild(document.createElement('td')).textContent = cell
  if (tunnel.hops.note) tr.title = tunnel.hops.note
  return tr
}
async function refresh() {
  try {
    const answer = await (await fetch('connections?limit=200')).json()
    body.replaceChildren(...answer.connections.map(row))
    count.textContent = answer.open + ' open, ' + answer.opened_total + ' since the start'
    note.hidden = answer.matched <= answer.connections.length
  } catch {
    count.textContent = 'the server does not answer'
  }
  setTimeout(refresh, document.hidden ? 5000 : 1000)
}
refresh()
`
