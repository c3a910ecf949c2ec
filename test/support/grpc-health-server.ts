// A gRPC server of @grpc/grpc-js with the standard health service of grpc-health-check, which others have written.

import { Server, ServerCredentials, ServerInterceptingCall } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import type { Leaf } from './certificates.ts'

export interface GrpcHealthServer {
  readonly port: number
  readonly health: HealthImplementation
  /** Calls so far. */
  readonly calls: number
  stop(): void
}

export interface GrpcHealthOptions {
  readonly port?: number
  readonly tls?: Leaf
}

/** `services` are SERVING. */
export async function startGrpcHealthServer(
  services: readonly string[],
  { port = 0, tls }: GrpcHealthOptions = {},
): Promise<GrpcHealthServer> {
  let calls = 0
  const server = new Server({
    interceptors: [
      (_method, call) => {
        calls++
        return new ServerInterceptingCall(call)
      },
    ],
  })
  const health = new HealthImplementation(Object.fromEntries(services.map((service) => [service, 'SERVING'])))
  health.addToServer(server)
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) },
        ])
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, taken) => (error ? reject(error) : resolve(taken))),
  )
  return {
    port: bound,
    health,
    get calls() {
      return calls
    },
    stop: () => server.forceShutdown(),
  }
}
