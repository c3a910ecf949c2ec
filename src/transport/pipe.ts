// Unix sockets as byte streams, abstract ones (`@name`) included. Same streams as TCP, but without a reset of their own.

export { type DialPipeOptions, dialPipe } from './dial.ts'
export { type ListenPipeOptions, listenPipe } from './listen.ts'
