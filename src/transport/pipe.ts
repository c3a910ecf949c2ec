// Unix sockets as byte streams, abstract ones (`@name`) included. Same streams as TCP, but without a reset of their own.

export { dialPipe } from './dial.ts'
export { listenPipe } from './listen.ts'
