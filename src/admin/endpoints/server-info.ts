// `/server_info`: version, state, uptime and the command line in force.

import { type Endpoint, json } from '../endpoint.ts'

export const SERVER_INFO: Endpoint = {
  path: '/server_info',
  summary: 'version, state, uptime and command line',
  mutates: false,
  parameters: [],
  handle(_, context) {
    const { server, clock } = context
    const uptime = `${Math.floor((clock.now() - server.startedMs) / 1000)}s`
    const { node } = context.config()
    return json({
      version: server.version,
      state: server.state(),
      hot_restart_version: 'disabled',
      command_line_options: server.commandLine,
      uptime_current_epoch: uptime,
      uptime_all_epochs: uptime,
      node: { id: node.id, cluster: node.cluster, user_agent_name: 'sluice' },
    })
  },
}
