// The page of the demo: opens a WebSocket through both proxies and talks to the application behind them.

export const demoPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sluice demo</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
  #hops { font-family: ui-monospace, monospace; font-size: .85rem; overflow-x: auto; white-space: nowrap }
  #log { height: 16rem; overflow: auto; border: 1px solid #8888; border-radius: .4rem; padding: .5rem; font: .85rem/1.6 ui-monospace, monospace }
  #log .in::before { content: '← '; color: #2a8 }
  #log .out::before { content: '→ '; color: #58d }
  #log .note { color: #888 }
  form, nav { display: flex; gap: .5rem; margin: .7rem 0 }
  input { flex: 1; font: inherit; padding: .3rem .5rem }
  button { font: inherit; padding: .3rem .8rem }
</style>
<h1>Sluice</h1>
<p id="hops">browser ─ HTTP/1.1 → front ─ HTTP/2 → sidecar ─ HTTP/1.1 → app</p>
<p id="state">connecting…</p>
<form id="form"><input id="text" autocomplete="off" placeholder="say something; the app echoes it"><button>Send</button></form>
<nav>
  <button id="burst">1000 messages</button>
  <button id="bye">App closes (4000)</button>
  <button id="close">I close (1000)</button>
  <button id="open">Open again</button>
</nav>
<div id="log" role="log"></div>
<p>Watch the terminal: each connection has a line when it opens, and one that says who closed it and why.</p>
<script>
  const $ = (id) => document.getElementById(id)
  const say = (kind, text) => {
    const line = document.createElement('div')
    line.className = kind
    line.textContent = text
    $('log').append(line)
    while ($('log').childElementCount > 200) $('log').firstChild.remove()
    $('log').scrollTop = 1e9
  }
  let socket, burst
  function open() {
    socket?.close(1000, 'opening again')
    const mine = socket = new WebSocket(location.origin.replace('http', 'ws') + '/echo')
    mine.onopen = () => { $('state').textContent = 'open'; say('note', 'open' + (mine.extensions ? ' with ' + mine.extensions : '')) }
    mine.onmessage = ({ data }) => {
      if (!burst) return say('in', data)
      if (--burst.left === 0) { say('note', '1000 messages echoed in ' + (performance.now() - burst.start).toFixed(0) + ' ms'); burst = undefined }
    }
    mine.onclose = ({ code, reason }) => { if (mine === socket) $('state').textContent = 'closed'; say('note', 'closed ' + code + (reason ? ' ' + reason : '')) }
  }
  $('form').onsubmit = (event) => {
    event.preventDefault()
    const text = $('text').value || 'hello'
    socket.send(text); say('out', text); $('text').value = ''
  }
  $('burst').onclick = () => { burst = { left: 1000, start: performance.now() }; for (let i = 0; i < 1000; i++) socket.send('message ' + i) }
  $('bye').onclick = () => socket.send('bye')
  $('close').onclick = () => socket.close(1000, 'done')
  $('open').onclick = open
  open()
</script>
</html>
`
