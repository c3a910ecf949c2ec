// nginx: one worker, the WebSocket recipe of its documentation, keep-alive towards the origin. No HTTP/2 upstream, no RFC 8441.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workload } from '../workload.ts'
import type { Command, Peer, Site } from './peer.ts'
import { versionOf } from './version.ts'

export const nginx: Peer = {
  name: 'nginx',
  version: () => versionOf('nginx', ['-v']),
  can,
  prepare,
}

function can({ shape, load }: Workload): boolean {
  if (shape.tcp !== undefined) return true
  if (shape.chain || shape.upstream === 'http2') return false
  return shape.downstream === 'http1' || load.job === 'request'
}

function prepare(site: Site): Command {
  const file = join(site.directory, 'nginx.conf')
  writeFileSync(file, site.shape.tcp === undefined ? configuration(site) : streamConfiguration(site))
  return { file: 'nginx', args: ['-p', site.directory, '-e', join(site.directory, 'error.log'), '-c', file] }
}

const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** The stream module: bytes, without a look at them. */
function streamConfiguration({ directory, listenPort, originPort, maximumFiles, shape }: Site): string {
  return `
daemon off;
${existsSync(streamModule) ? `load_module ${streamModule};` : ''}
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${shape.workers};
worker_rlimit_nofile ${maximumFiles};
pid ${directory}/nginx.pid;
events { worker_connections ${2 * maximumFiles}; }
stream {
  server {
    listen 127.0.0.1:${listenPort} backlog=4096;
    proxy_pass 127.0.0.1:${originPort};
    proxy_timeout 1h;
  }
}
`
}

function configuration({ directory, listenPort, originPort, shape, certificate, maximumFiles }: Site): string {
  const listen = [
    `127.0.0.1:${listenPort}`,
    shape.tls ? 'ssl' : '',
    shape.downstream === 'http2' ? 'http2' : '',
    'backlog=4096',
    shape.workers > 1 ? 'reuseport' : '',
  ]
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${shape.workers};
worker_rlimit_nofile ${maximumFiles};
pid ${directory}/nginx.pid;
# More than files: below one sixteenth of free connections nginx closes fresh ones.
events { worker_connections ${2 * maximumFiles}; }
http {
  access_log off;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream origin {
    server 127.0.0.1:${originPort};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
  server {
    listen ${listen.filter(Boolean).join(' ')};
    ${shape.tls ? `ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.key}; ssl_protocols TLSv1.2 TLSv1.3;` : ''}
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
    }
  }
}
`
}
